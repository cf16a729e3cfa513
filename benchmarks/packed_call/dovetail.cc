// Our runtime's functions. Tensors are held for the length of a call, as by functions of
// ffi::Tensor.
#include <dovetail/runtime.h>

#include "side.h"

using dovetail::Any;
using dovetail::DType;
using dovetail::Function;
using dovetail::Tensor;

using Args = std::span<const Any>;

[[noreturn]] static void wrong_count() {
  throw dovetail::Error(dovetail::ErrorKind::kType, "another number of arguments");
}

Side dovetail_side() {
  const Function nothing([](Args args) -> Any {
    if (!args.empty()) wrong_count();
    return {};
  });
  const Function integers([](Args args) -> Any {
    if (args.size() != 3) wrong_count();
    for (const Any& arg : args) (void)arg.as<int64_t>();
    return {};
  });
  const Function tensors([](Args args) -> Any {
    if (args.size() != 3) wrong_count();
    return {};
  });
  const Tensor tensor = Tensor::empty({4}, DType::of<float>());
  return {[=](int count) {
            for (int k = 0; k < count; ++k) nothing();
          },
          [=](int count) {
            for (int k = 0; k < count; ++k) integers(k, k, k);
          },
          [=](int count) {
            for (int k = 0; k < count; ++k) tensors(tensor, tensor, tensor);
          }};
}
