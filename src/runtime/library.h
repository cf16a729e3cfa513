// An exported library in this process.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/module.h"

namespace dovetail::runtime {

// A shared library that the system's loader has opened; closed with the object. The platform's file
// implements it.
class SharedLibrary {
 public:
  // kIo with the system's words; before, the file's form is checked (kValue, kUnsupported).
  explicit SharedLibrary(const std::filesystem::path& path);
  ~SharedLibrary();
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;
  void* symbol(const char* name) const;  // null when there is none

 private:
  void* handle_ = nullptr;
};

class LibraryNode : public detail::ModuleNode {
 public:
  // `file` is null for a library linked into the program. `where` names it in messages.
  LibraryNode(const dv_library* library, std::unique_ptr<SharedLibrary> file, std::string where);

  std::string description() const override;
  std::vector<std::string> names() const override;
  Function function(const std::string& name) override;
  const dv_library* library() const override { return library_; }
  PreparedParams params(const dv_model* model) const override;

 private:
  void load_params(const dv_model* model, const Params& params);

  std::unique_ptr<SharedLibrary> file_;
  const dv_library* library_;
  std::string where_;
  mutable std::mutex params_mutex_;
  std::map<const dv_model*, PreparedParams> params_;
};

// kValue unless the descriptor is one that this runtime reads. `where` begins the message.
void check_descriptor(const dv_library* library, const std::string& where);

}  // namespace dovetail::runtime
