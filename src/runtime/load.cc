// Libraries that are files. Apart from the rest of the runtime, so that a static program, whose
// libraries are linked in, holds no dlopen.
#include "base/error.h"
#include "runtime/library.h"
#include "runtime/shared_library.h"

namespace dovetail {
namespace runtime {
namespace {

// The value and function of tvm_ffi's C ABI, as far as the descriptor's getter needs them.
struct FfiValue {
  int32_t type;
  uint32_t zero;
  const void* pointer;
};
using FfiFunction = int (*)(void* self, const FfiValue* args, int32_t num_args, FfiValue* result);
constexpr int32_t kFfiPointer = 4;
constexpr const char* kGetter = "__tvm_ffi_dovetail.library";

const dv_library* descriptor_of(const SharedLibrary& file, const std::string& where) {
  const auto getter = reinterpret_cast<FfiFunction>(file.symbol(kGetter));
  if (!getter) {
    throw_error(ErrorKind::kValue, "{} is not a library that Dovetail exported: it has no {}",
                where, kGetter);
  }
  FfiValue result{};
  if (getter(nullptr, nullptr, 0, &result) != 0 || result.type != kFfiPointer || !result.pointer) {
    throw_error(ErrorKind::kValue, "{} is damaged: {} gives no descriptor", where, kGetter);
  }
  return static_cast<const dv_library*>(result.pointer);
}

}  // namespace
}  // namespace runtime

Module Module::load(const std::filesystem::path& path) {
  const std::string where = path.string();
  auto file = std::make_shared<runtime::SharedLibrary>(path);
  const dv_library* library = runtime::descriptor_of(*file, where);
  runtime::check_descriptor(library, where);
  return Module(std::make_shared<runtime::LibraryNode>(library, std::move(file), where));
}

}  // namespace dovetail
