// Compiling ONNX models into one native library.
//
//   auto model = dovetail::build("yolo.onnx");
//   dovetail::export_library({model}, "yolo.so");
//
// Every function throws dovetail::Error (dovetail/error.h); nothing is left half written. Any
// number of threads may call them at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dovetail {

// What code is made for. Target names are ours, one per row of `target_names()`; CPU levels are
// "x86-64-v3", "x86-64-v4+avx512vnni", "native", ...
struct Target {
  std::string name;               // empty: the machine the compiler runs on
  std::vector<std::string> cpus;  // empty: "native" on that machine, else the family's baseline
};
std::vector<std::string> target_names();

// An extent of an input's shape: a number, or the name of a dimension that stays symbolic.
using Extent = std::variant<int64_t, std::string>;

// What is known of a symbolic dimension: its inclusive bounds. Equal ones fix it.
struct DimRange {
  static constexpr int64_t kMax = 1'000'000'000;  // of a dimension that nothing is said of
  int64_t min = 0;
  int64_t max = kMax;
  DimRange() = default;
  DimRange(int64_t value) : min(value), max(value) {}  // implicit: mostly a number
  DimRange(int64_t low, int64_t high) : min(low), max(high) {}
};

// One stage of a build, told when it is done: its name, its time, and its result as text on demand.
struct Stage {
  std::string_view name;
  double milliseconds = 0;
  std::function<std::string()> text;
};

// The stages there are: those of build(), then those of export_library().
std::vector<std::string> stage_names();

// How float32 convolutions may be computed. All are deterministic and within 1e-5 of a float64
// reference, relative to the largest output, on usual models.
enum class Accuracy : uint8_t {
  kStrict,  // plain sums of products in a fixed order; an Inf or NaN reaches only the outputs whose
            // window holds it
  kAccurate,  // Winograd tiles of 2x2, whose rounding error is below that of plain sums
  kFast,      // also tiles of 4x4: about twice the rounding error of plain sums, up to 4x the speed
};
std::vector<std::string> accuracy_names();  // "strict", "accurate", "fast", in the order above

struct BuildOptions {
  std::string
      name;  // of the model; empty: the file's stem, characters outside [A-Za-z0-9_] become _
  Target target;
  std::map<std::string, std::vector<Extent>> input_shapes;  // by input name, whole shapes
  std::map<std::string, DimRange> dims;                     // of symbolic dimensions, by name
  Accuracy accuracy = Accuracy::kFast;
  std::function<void(const Stage&)> on_stage;
  std::function<void(const std::string&)> on_warning;
};

// A compiled model: plans, kernels and params, not yet machine code. Cheap to copy, immutable.
class CompiledModel {
 public:
  struct Data;
  explicit CompiledModel(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  const std::string& name() const;
  // Writes the params as they are in the ONNX file, by their names there, as a safetensors file.
  void save_params(const std::filesystem::path& path) const;
  const Data& data() const { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

// Reads an ONNX file (with its external data) and compiles it for the target. kIo, kValue: the file
// cannot be read or breaks the standard; kUnsupported: lists every operator that is not supported.
CompiledModel build(const std::filesystem::path& onnx, const BuildOptions& options = {});

// What is left to do when all code is generated: join the objects into one library. Objects and
// output lie in a temporary folder beside the library; the output has the library's file name.
struct LinkJob {
  std::vector<std::filesystem::path> objects;  // the models' code, the executor, the weights
  std::filesystem::path output;                // to be made
  std::vector<std::string> exported;           // the globals it shows; the objects hide all others
  Target target;
};

// Links with the built-in linker: needs no tool, no system library, no PATH.
void link_builtin(const LinkJob& job);

struct ExportOptions {
  // The prepared params are in the library. Otherwise it has the code that prepares them, and
  // load_params (runtime.h, abi.h) must be called before a model can run.
  bool package_params = true;
  std::string prefix;            // of the library's globals; empty: the first model's name
  std::filesystem::path header;  // where to write the typed C header; empty: nowhere
  // Replaces the link: cross compilers' linkers, strip, signing and compressing are a few lines
  // here, around link_builtin or instead of it. Empty: link_builtin, without its copy of the
  // weights.
  std::function<void(const LinkJob&)> fcompile;
  std::function<void(const Stage&)> on_stage;
};

// Writes one native library with these models, all built for the same target; the first one is
// "default". The suffix states the intent: .so for the target's loader; .o or .a for its linker,
// where there is no dlopen. A suffix that contradicts the target is refused (kValue). Same models,
// options and file name: same bytes. When fcompile throws or leaves no output nothing is written.
void export_library(const std::vector<CompiledModel>& models, const std::filesystem::path& output,
                    const ExportOptions& options = {});

}  // namespace dovetail
