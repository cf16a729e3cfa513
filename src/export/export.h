// Objects and weights -> the file that is shipped. lld is reached through link_builtin alone.
#pragma once

#include <dovetail/compiler.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ir/target.h"
#include "ir/tensor.h"

namespace dovetail::exporter {

// The weights of a library: tensors one after the other, each aligned to DV_ALIGNMENT, equal
// content stored once.
class WeightsImage {
 public:
  // The tensor's offset in bytes.
  int64_t add(const ir::TensorData& tensor);
  int64_t size() const { return size_; }
  uint64_t hash() const;  // of the content; names the section's symbol
  // Calls write(bytes) for the pieces in order, padding included.
  void visit(const std::function<void(std::span<const std::byte>)>& write) const;

 private:
  struct Piece {
    int64_t offset;
    ir::TensorData tensor;
  };
  std::vector<Piece> pieces_;
  std::map<uint64_t, std::vector<size_t>> by_hash_;
  int64_t size_ = 0;
};

struct LibraryJob {
  const ir::TargetInfo* target = nullptr;
  std::vector<std::vector<std::byte>> objects;  // the models' code and descriptors
  const WeightsImage* weights = nullptr;
  std::string weights_symbol;                    // that `objects` refer to; hidden
  std::vector<std::string> exported;             // the globals that stay visible
  std::filesystem::path output;                  // its suffix is the form: .so, .o, .a
  std::function<void(const LinkJob&)> fcompile;  // instead of the built-in link; may be empty
};

// Adds the executor for the target's family and the weights, and writes the file: in a temporary
// folder beside the output, then renamed.
//   .so  lld in process, the weights section finished afterwards (see finish_weights.h): no
//   DT_NEEDED,
//        soname is the file's name, weights in a read-only page-aligned segment of their own
//   .o   one relocatable object, every global but `exported` made local
//   .a   that object alone in an archive
// kIo: the OS's text.
void write_library(const LibraryJob& job);

// kValue unless the suffix of a library's file names a form of library.
void check_suffix(const std::filesystem::path& output);

}  // namespace dovetail::exporter
