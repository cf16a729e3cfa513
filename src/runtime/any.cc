#include <dovetail/runtime.h>

#include <iterator>

#include "base/error.h"

namespace dovetail {

std::string Any::kind() const {
  static constexpr const char* kNames[] = {
      "none",           "int",    "float",          "bool",        "Device",   "str",
      "list of Device", "Tensor", "list of Tensor", "list of str", "Function", "Module",
      "Params"};
  static_assert(std::size(kNames) == std::variant_size_v<Variant>);
  static_assert(
      std::is_trivially_destructible_v<std::variant_alternative_t<kFirstOwner - 1, Variant>> &&
      !std::is_trivially_destructible_v<std::variant_alternative_t<kFirstOwner, Variant>>);
  return kNames[value_.index()];
}

void Any::wrong_kind(const std::string& expected) const {
  throw_error(ErrorKind::kType, "expected {}, got {}", expected, kind());
}

void Function::undefined() {
  throw_error(ErrorKind::kType, "expected a Function, got an undefined one");
}

}  // namespace dovetail
