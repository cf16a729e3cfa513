// Loading and running the libraries that Dovetail exports.
//
//   auto lib = dovetail::Module::load("mlp.so");
//   dovetail::Executor executor(lib["mlp"](dovetail::cpu()));
//   executor.set_input("x", x);
//   executor.run();
//   dovetail::Tensor y = executor.get_output(0);
//
// Everything that fails throws dovetail::Error. Handles (Tensor, Function, Module, Executor) are
// cheap to copy and share what they name; it lives until the last handle is gone: an output keeps
// its executor, and an executor its library.
//
// Threads: a library and its functions may be used by any number of threads at once, each with an
// executor of its own. An executor that is in use by another thread refuses the call (kState).
#pragma once

#include <dovetail/abi.h>
#include <dovetail/error.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

struct DLManagedTensorVersioned;  // of DLPack's header, which is not needed here

namespace dovetail {

namespace detail {
struct TensorNode;
class ModuleNode;
class ExecutorNode;
class DebugNode;
}  // namespace detail

// ---- Devices and element types ------------------------------------------------------------------

struct DOVETAIL_API Device {
  int32_t type = DV_CPU;  // DLPack's DLDeviceType
  int32_t id = 0;

  std::string name() const;  // "cpu:0"
  bool operator==(const Device&) const = default;
};

inline Device cpu(int32_t id = 0) { return {DV_CPU, id}; }

class DOVETAIL_API DType {
 public:
  constexpr DType(dv_dtype value) : value_(value) {}
  // By name: "float16", "bfloat16", "float32", "float64", "int8" to "int64", "uint8" to "uint64",
  // "bool". kValue lists these for any other.
  static DType named(std::string_view name);
  // Of a C++ arithmetic type: float, double, bool and the integers.
  template <class T>
  static constexpr DType of();

  std::string name() const;
  size_t size() const { return (value_.bits + 7u) / 8u * value_.lanes; }  // bytes of one element
  dv_dtype value() const { return value_; }
  bool operator==(const DType& other) const {
    return value_.code == other.value_.code && value_.bits == other.value_.bits &&
           value_.lanes == other.value_.lanes;
  }

 private:
  dv_dtype value_;
};

template <class T>
constexpr DType DType::of() {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= 8, "no element type of tensors");
  uint8_t code = std::is_floating_point_v<T> ? DV_FLOAT : std::is_signed_v<T> ? DV_INT : DV_UINT;
  if (std::is_same_v<T, bool>) code = DV_BOOL;
  return dv_dtype{code, static_cast<uint8_t>(8 * sizeof(T)), 1};
}

// ---- Tensors ------------------------------------------------------------------------------------

// A shared view of memory with a shape and an element type. A Tensor made by the default
// constructor names nothing; only defined() may be asked of it.
class DOVETAIL_API Tensor {
 public:
  Tensor() = default;

  // New memory, uninitialised, row-major, aligned to 64 bytes. kValue: a negative extent, or a
  // device that is not here; kMemory.
  static Tensor empty(std::vector<int64_t> shape, DType dtype, Device device = cpu());
  // The caller's row-major memory on the CPU. `owner` is kept as long as the view; without it the
  // caller keeps the memory alive.
  static Tensor view(void* data, std::vector<int64_t> shape, DType dtype,
                     std::shared_ptr<const void> owner = nullptr);
  static Tensor view(const void* data, std::vector<int64_t> shape, DType dtype,
                     std::shared_ptr<const void> owner = nullptr);
  template <class T>
  static Tensor view(T* data, std::vector<int64_t> shape) {
    using Pointer = std::conditional_t<std::is_const_v<T>, const void*, void*>;
    return view(static_cast<Pointer>(data), std::move(shape), DType::of<std::remove_const_t<T>>());
  }
  // Takes a tensor over from another library through DLPack 1.x; its deleter runs when the last
  // handle is gone. When this throws, `managed` still belongs to the caller.
  static Tensor from_dlpack(DLManagedTensorVersioned* managed);
  // Hands the tensor to another library, which calls the result's deleter once.
  DLManagedTensorVersioned* to_dlpack() const;

  bool defined() const { return node_ != nullptr; }
  const std::vector<int64_t>& shape() const;
  const std::vector<int64_t>& strides() const;  // in elements
  DType dtype() const;
  Device device() const;
  int64_t num_elements() const;
  size_t num_bytes() const { return static_cast<size_t>(num_elements()) * dtype().size(); }
  bool is_contiguous() const;  // compact and row-major
  bool is_read_only() const;

  // The first element. kType when T is not the element type, or not const where the memory is
  // read-only.
  template <class T>
  T* data() const {
    check_access(DType::of<std::remove_const_t<T>>(), std::is_const_v<T>);
    return static_cast<T*>(raw_data());
  }
  void* raw_data() const;
  // The same as abi.h and, by layout, DLPack's DLTensor see it; valid as long as this handle.
  const dv_tensor* get() const;
  std::string text() const;  // "float32 (2, 64)"

 private:
  friend struct detail::TensorNode;
  explicit Tensor(std::shared_ptr<const detail::TensorNode> node) : node_(std::move(node)) {}
  const detail::TensorNode& node() const;
  void check_access(DType dtype, bool read_only) const;
  std::shared_ptr<const detail::TensorNode> node_;
};

// ---- Params -------------------------------------------------------------------------------------

// Weights by their names in the ONNX file, for libraries that do not package them.
struct DOVETAIL_API Params {
  std::map<std::string, Tensor> tensors;

  // From a safetensors file. The tensors are read-only views of the file, which is mapped, not
  // copied. kIo, kValue: it cannot be read or breaks the format; kUnsupported: an element type that
  // tensors do not have.
  static Params load(const std::filesystem::path& path);
  // As a safetensors file, which replaces what is there when it is complete. kValue: a tensor that
  // is not compact and row-major or has no data; kUnsupported: a name or dtype that the format does
  // not have.
  void save(const std::filesystem::path& path) const;
};

// ---- Functions, modules and their values --------------------------------------------------------

class Any;

// Something to call with any arguments.
class DOVETAIL_API Function {
 public:
  using Body = std::function<Any(std::span<const Any>)>;
  Function() = default;
  // Of anything that can be called as a Body can.
  template <class F>
    requires(!std::same_as<F, Function> &&
             std::is_invocable_r_v<Any, const F&, std::span<const Any>>)
  explicit Function(F body) : body_(std::make_shared<const Bound<F>>(std::move(body))) {}

  // kType when this is no function.
  template <class... Args>
  Any operator()(const Args&... args) const;
  Any operator()(std::initializer_list<Device> devices) const;  // one argument: the list
  Any call(std::span<const Any> args) const;

 private:
  struct Callable {
    Any (*call)(const Callable& self, std::span<const Any> args);
  };
  template <class F>
  struct Bound : Callable {
    explicit Bound(F body)
        : Callable{[](const Callable& self, std::span<const Any> args) {
            return static_cast<const Bound&>(self).body(args);
          }},
          body(std::move(body)) {}
    F body;
  };
  [[noreturn]] static void undefined();
  std::shared_ptr<const Callable> body_;
};

// A set of functions by name: a library, whose functions make executors, or an executor.
class DOVETAIL_API Module {
 public:
  Module() = default;
  explicit Module(std::shared_ptr<detail::ModuleNode> node) : node_(std::move(node)) {}

  // Opens an exported shared library. kIo: the system cannot read or load it; kValue: it is not an
  // exported library, is damaged, or was made for another version of abi.h; kUnsupported: it is
  // for another kind of machine.
  static Module load(const std::filesystem::path& path);
  // A library linked into this program, as its generated header declares it.
  static Module system_lib(const dv_library* library);

  // kKey lists the names there are. In a library, for each model and for "default", the first one:
  //   "name"(device...)        makes an executor, a Module; the devices may be a list
  //   "name.debug"(device...)  the same, that can be looked into: see DebugExecutor
  //   "name.run"(tensor...)    runs the model on all its inputs, in order, and returns its outputs:
  //                            a Tensor, or a list unless there is one. They are the caller's. Any
  //                            number of threads may call it at once.
  //   "name.load_params"(params)  prepares these Params and keeps them for the executors that are
  //                            made from then on; those there are keep theirs. kValue names every
  //                            param that is missing or does not fit, and every frozen value that
  //                            differs; nothing has changed then. kState: the library has its
  //                            params.
  Function operator[](std::string_view name) const;
  std::vector<std::string> names() const;

  // The descriptors behind a library or an executor; they live as long as the module.
  const dv_library* library() const;
  const dv_model* model(std::string_view name) const;  // a model's name, or "default"

  const std::shared_ptr<detail::ModuleNode>& node() const;

 private:
  std::shared_ptr<detail::ModuleNode> node_;
};

// A value that functions take and return.
class DOVETAIL_API Any {
 public:
  Any() : value_() {}
  Any(const Any& other) : value_(other.value_) {}
  Any(Any&& other) noexcept : value_(std::move(other.value_)) {}
  Any& operator=(Any other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  ~Any() {
    if (value_.index() >= kFirstOwner) value_.~Variant();
  }
  Any(bool value) : value_(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  Any(T value) : value_(to_int64(value)) {}
  template <std::floating_point T>
  Any(T value) : value_(static_cast<double>(value)) {}
  Any(const char* value) : value_(std::string(value)) {}
  Any(std::string_view value) : value_(std::string(value)) {}
  Any(std::string value) : value_(std::move(value)) {}
  Any(Device value) : value_(value) {}
  Any(std::vector<Device> value) : value_(std::move(value)) {}
  Any(std::vector<Tensor> value) : value_(std::move(value)) {}
  Any(std::vector<std::string> value) : value_(std::move(value)) {}
  Any(Tensor value) : value_(std::move(value)) {  // an undefined Tensor becomes none
    if (!std::get_if<Tensor>(&value_)->defined()) value_ = std::monostate();
  }
  Any(Function value) : value_(std::move(value)) {}
  Any(Module value) : value_(std::move(value)) {}
  Any(Params value) : value_(std::move(value)) {}

  bool is_none() const { return std::holds_alternative<std::monostate>(value_); }
  template <class T>
  bool is() const {
    return std::holds_alternative<T>(value_);
  }
  // The value as int64_t, double (an int64_t too), bool, std::string, Device, Tensor, Function,
  // Module, Params, or a std::vector of Device, Tensor or std::string. kType names what it is.
  template <class T>
  T as() const {
    if constexpr (std::is_same_v<T, double>) {
      if (const auto* integer = std::get_if<int64_t>(&value_)) return static_cast<double>(*integer);
    }
    if (const T* value = std::get_if<T>(&value_)) return *value;
    wrong_kind(Any(Variant(T())).kind());
  }
  std::string kind() const;  // "int", "Tensor", ...

 private:
  using Variant =
      std::variant<std::monostate, int64_t, double, bool, Device, std::string, std::vector<Device>,
                   Tensor, std::vector<Tensor>, std::vector<std::string>, Function, Module, Params>;
  static constexpr size_t kFirstOwner = 5;  // std::string; what stands before owns nothing
  explicit Any(Variant value) : value_(std::move(value)) {}
  template <class T>
  static int64_t to_int64(T value) {
    if (!std::in_range<int64_t>(value)) {
      throw Error(ErrorKind::kValue, std::to_string(value) + " does not fit int64");
    }
    return static_cast<int64_t>(value);
  }
  [[noreturn]] void wrong_kind(const std::string& expected) const;
  // A union leaves the end to ~Any(): of values that own nothing it is a comparison, where a
  // variant's own would jump through a table, the dearest part of a short call.
  union {
    Variant value_;
  };
};

// Inline, so that a call costs no more than one of tvm_ffi's (benchmarks/packed_call).
inline Any Function::call(std::span<const Any> args) const {
  if (!body_) undefined();
  return body_->call(*body_, args);
}

template <class... Args>
Any Function::operator()(const Args&... args) const {
  const std::array<Any, sizeof...(Args)> values{Any(args)...};
  return call(values);
}

inline Any Function::operator()(std::initializer_list<Device> devices) const {
  return (*this)(std::vector<Device>(devices));
}

// ---- Executors ----------------------------------------------------------------------------------

// Names an input or output: by its index, or by its name in the ONNX file.
class Port {
 public:
  template <std::integral T>
  Port(T index) : value_(static_cast<int64_t>(index)) {}
  Port(const char* name) : value_(std::string_view(name)) {}
  Port(std::string_view name) : value_(name) {}
  Port(const std::string& name) : value_(std::string_view(name)) {}
  const std::variant<int64_t, std::string_view>& value() const { return value_; }

 private:
  std::variant<int64_t, std::string_view> value_;
};

// Runs one model; it owns the memory that a run works in. For one thread at a time.
class DOVETAIL_API Executor {
 public:
  // From what a library's function returned. kType when that is something else.
  explicit Executor(const Any& module);
  explicit Executor(const Module& module);

  // Copies the tensor in; any strides. Errors say dtype and extents given and expected.
  void set_input(const Port& input, const Tensor& tensor);
  // Reads the tensor's memory at each run, without a copy, until the input is set again; compact
  // and row-major.
  void set_input_zero_copy(const Port& input, const Tensor& tensor);
  // Writes the output into the tensor's memory at each run. An undefined Tensor ends that.
  void set_output_zero_copy(const Port& output, const Tensor& tensor);
  // Prepares these params and uses them from the next run on; other executors keep theirs. Errors
  // as for "name.load_params".
  void load_params(const Params& params);
  // Uses what another executor of the same model uses, without a copy. kState: it has none yet.
  void share_params(const Executor& other);
  // kState unless every input is set and the library or load_params has given params.
  void run();
  // Uses at most `threads` of those that it was made with (see num_threads()), from the next run
  // on. kValue: outside 1 to 1024.
  void set_num_threads(int threads);
  // Views: the next run overwrites them. They stay valid memory as long as the handle lives.
  Tensor get_input(const Port& input) const;
  Tensor get_output(const Port& output) const;
  // Copies into a tensor of the output's dtype and shape, any strides.
  void get_output(const Port& output, const Tensor& into) const;

  int num_inputs() const;
  int num_outputs() const;
  const dv_tensor_info& input_info(const Port& input) const;
  const dv_tensor_info& output_info(const Port& output) const;
  const dv_model& model() const;
  const dv_variant& variant() const;  // the code chosen for this CPU
  Module module() const;              // the same functions by name

 private:
  detail::ExecutorNode& node() const;  // kType when it was moved from
  std::shared_ptr<detail::ExecutorNode> node_;
};

// One call of a step.
struct StepTime {
  const dv_step* step;  // its kernel, ONNX nodes and their operators
  int64_t iteration;    // of the innermost loop around it, from 0; -1 outside of loops
  double milliseconds;  // from the end of the step before to its own
  int64_t flops = 0;    // as dv_step says, for the shapes of this run
  int64_t bytes = 0;
};

// An executor that can be looked into: what a library's "name.debug" makes. Its run() keeps a copy
// of every tensor that lies in memory at some time, made when its step has run; step times leave
// the copying out.
class DOVETAIL_API DebugExecutor : public Executor {
 public:
  explicit DebugExecutor(const Any& module);  // kType when that is something else
  explicit DebugExecutor(const Module& module);

  // Runs without copying tensors, so that caches are as they are in a plain run.
  void profile();
  // Runs up to the last step that computes this ONNX node; in a loop, to the end of its first
  // iteration there. False when a branch left that step out. The outputs hold no result afterwards.
  // kKey: no step computes it.
  bool run_until(std::string_view node);
  // Of the last run, in the order in which steps ran.
  std::vector<StepTime> step_times() const;
  // By ONNX name; a tensor in a body stands behind the path of its node. Tensors inside of a fused
  // step are never in memory. In a loop: of the last iteration.
  std::vector<std::string> tensor_names() const;
  Tensor get_tensor(std::string_view name) const;  // kState when its step did not run

 private:
  detail::DebugNode& debug() const;  // kType when it was moved from
  std::shared_ptr<detail::DebugNode> debug_;
};

// ---- Threads ------------------------------------------------------------------------------------

// How many threads, the caller's included, the executors made from now on use; the work is shared
// out over one pool of the process. Unset, it is DOVETAIL_NUM_THREADS, else the processors that
// this process may use. Results are the same bits for every number. kValue: outside 1 to 1024.
DOVETAIL_API void set_num_threads(int threads);
DOVETAIL_API int num_threads();

}  // namespace dovetail
