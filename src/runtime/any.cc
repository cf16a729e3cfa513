#include <dovetail/runtime.h>

#include <iterator>

#include "base/error.h"

namespace dovetail {

Any::Any(Tensor value) {
  if (value.defined()) value_ = std::move(value);
}

std::string Any::kind() const {
  static constexpr const char* kNames[] = {"none",     "int",    "float",          "bool",
                                           "str",      "Device", "list of Device", "Tensor",
                                           "Function", "Module", "Params"};
  static_assert(std::size(kNames) == std::variant_size_v<Variant>);
  return kNames[value_.index()];
}

void Any::wrong_kind(const std::string& expected) const {
  throw_error(ErrorKind::kType, "expected {}, got {}", expected, kind());
}

Any Function::call(std::span<const Any> args) const {
  if (!body_ || !*body_) throw_error(ErrorKind::kType, "expected a Function, got an undefined one");
  return (*body_)(args);
}

}  // namespace dovetail
