// exchange LIBRARY: our runtime and tvm_ffi's C++ in one process, on one library of an MLP (x
// float32[batch,64] -> y). Tensors go through DLPack in both directions; then strange tensors.
// Prints the first thing that is wrong and exits with 1.
#include <dovetail/runtime.h>
#include <sys/mman.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ffi = tvm::ffi;
using dovetail::DType;
using dovetail::Tensor;

namespace {

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      std::printf("line %d: %s is not true\n", __LINE__, #condition); \
      std::exit(1);                                                   \
    }                                                                 \
  } while (0)

constexpr int64_t kRows = 3;
constexpr size_t kBytes = kRows * 64 * sizeof(float);

using Functions = ffi::Map<ffi::String, ffi::Function>;

Functions make_functions(const char* library) {
  const ffi::Module module = ffi::Module::LoadFromFile(library);
  const ffi::Function factory = module->GetFunction("mlp").value();
  return factory(DLDevice{kDLCPU, 0}).cast<Functions>();
}

Tensor rows() {
  Tensor x = Tensor::empty({kRows, 64}, DType::of<float>());
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    x.data<float>()[i] = static_cast<float>(i % 17) / 8 - 1;
  }
  return x;
}

ffi::Tensor to_ffi(const Tensor& tensor) {
  return ffi::Tensor::FromDLPackVersioned(tensor.to_dlpack());
}
Tensor from_ffi(const ffi::Tensor& tensor) {
  return Tensor::from_dlpack(tensor.ToDLPackVersioned());
}

bool holds(const Tensor& tensor, const Tensor& expected) {
  return tensor.shape() == expected.shape() && tensor.is_contiguous() &&
         std::memcmp(tensor.raw_data(), expected.raw_data(), expected.num_bytes()) == 0;
}

Tensor run(const Functions& functions) {
  functions["run"]();
  return from_ffi(functions["get_output"](0).cast<ffi::Tensor>());
}

// Both loaders have the file open; a tensor of each goes through the executor of the other.
void both_ways(const char* library, const Tensor& x, const Tensor& expected) {
  const Functions functions = make_functions(library);
  functions["set_input"]("x", to_ffi(x));
  EXPECT(holds(run(functions), expected));

  dovetail::Executor executor(dovetail::Module::load(library)["mlp"](dovetail::cpu()));
  executor.set_input("x", from_ffi(functions["get_input"]("x").cast<ffi::Tensor>()));
  const ffi::Tensor target = to_ffi(Tensor::empty({kRows, 64}, DType::of<float>()));
  executor.set_output_zero_copy(0, from_ffi(target));
  executor.run();
  EXPECT(holds(from_ffi(target), expected));
}

// A view of an output lives on without its executor, its module and the other side's handle.
void lifetimes(const char* library, const Tensor& x, const Tensor& expected) {
  Tensor y;
  {
    const Functions functions = make_functions(library);
    functions["set_input_zero_copy"]("x", to_ffi(x));
    y = run(functions);
  }
  EXPECT(holds(y, expected));

  int deleted = 0;
  float data[4] = {};
  std::shared_ptr<const void> owner(data, [&deleted](const void*) { ++deleted; });
  Tensor ours = Tensor::view(static_cast<void*>(data), {4}, DType::of<float>(), std::move(owner));
  ffi::Tensor theirs = to_ffi(ours);
  ours = Tensor();
  Tensor back = from_ffi(theirs);
  EXPECT(back.raw_data() == data);
  theirs = ffi::Tensor();
  EXPECT(deleted == 0);
  back = Tensor();
  EXPECT(deleted == 1);
}

// A tensor as older callers describe it: no strides, and data that begins at an offset.
void borrowed_tensors(const Functions& functions, const Tensor& x, const Tensor& expected) {
  DLTensor tensor;
  static_assert(sizeof tensor == sizeof(dv_tensor));
  std::memcpy(&tensor, x.get(), sizeof tensor);
  tensor.data = static_cast<char*>(x.raw_data()) - 256;
  tensor.byte_offset = 256;
  tensor.strides = nullptr;
  for (const char* name : {"set_input", "set_input_zero_copy"}) {
    functions[name]("x", &tensor);
    EXPECT(holds(run(functions), expected));
  }
}

// An input is read and never written: its memory may be read-only.
void read_only_memory(const char* library, const Functions& functions, const Tensor& x,
                      const Tensor& expected) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(page != MAP_FAILED);
  std::memcpy(page, x.raw_data(), kBytes);
  mprotect(page, 4096, PROT_READ);
  const Tensor constant =
      Tensor::view(static_cast<const void*>(page), {kRows, 64}, DType::of<float>());
  dovetail::Executor executor(dovetail::Module::load(library)["mlp"](dovetail::cpu()));
  executor.set_input_zero_copy("x", constant);
  executor.run();
  EXPECT(holds(executor.get_output(0), expected));
  EXPECT(executor.get_input(0).is_read_only());
  for (const char* name : {"set_input", "set_input_zero_copy"}) {
    functions[name]("x", to_ffi(constant));
    EXPECT(holds(run(functions), expected));
  }
}

// The mark of read-only memory survives DLPack; such a tensor takes no output.
void read_only_mark(const char* library) {
  const float value[64] = {};
  const Tensor marked = Tensor::view(static_cast<const void*>(value), {1, 64}, DType::of<float>());
  DLManagedTensorVersioned* managed = marked.to_dlpack();
  EXPECT(managed->flags == DLPACK_FLAG_BITMASK_READ_ONLY);
  const Tensor back = Tensor::from_dlpack(managed);
  EXPECT(back.is_read_only());
  dovetail::Executor executor(dovetail::Module::load(library)["mlp"](dovetail::cpu()));
  try {
    executor.set_output_zero_copy(0, back);
    EXPECT(!"an error");
  } catch (const dovetail::Error& error) {
    EXPECT(error.kind() == dovetail::ErrorKind::kType);
    EXPECT(!std::strcmp(error.what(), "output 'y' cannot be written into a read-only tensor"));
  }
}

void scalars_and_empty_tensors() {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {0, 64}, {5, 0, 2}}) {
    const Tensor ours = Tensor::empty(shape, DType::of<double>());
    if (ours.num_elements() == 1) *ours.data<double>() = 2.5;
    const ffi::Tensor theirs = to_ffi(ours);
    EXPECT(theirs.ndim() == static_cast<int32_t>(shape.size()));
    const Tensor back = from_ffi(theirs);
    EXPECT(back.shape() == shape && back.is_contiguous());
    EXPECT(back.num_elements() != 1 || *back.data<double>() == 2.5);
  }
}

}  // namespace

int main(int, char** argv) {
  const char* library = argv[1];
  dovetail::set_num_threads(2);
  const Tensor x = rows();
  dovetail::Executor executor(dovetail::Module::load(library)["mlp"](dovetail::cpu()));
  executor.set_input("x", x);
  executor.run();
  const Tensor expected = executor.get_output(0);
  const Functions functions = make_functions(library);
  both_ways(library, x, expected);
  lifetimes(library, x, expected);
  borrowed_tensors(functions, x, expected);
  read_only_memory(library, functions, x, expected);
  read_only_mark(library);
  scalars_and_empty_tensors();
  std::printf("passed\n");
}
