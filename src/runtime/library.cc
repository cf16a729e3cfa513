#include "runtime/library.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "runtime/executor.h"

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

template <class Struct>
void check_size(uint32_t size, const char* name, const std::string& where) {
  if (size >= sizeof(Struct)) return;
  throw_error(ErrorKind::kValue, "{} is damaged: its {} has {} bytes of at least {}", where, name,
              size, sizeof(Struct));
}

Device only_device(std::span<const Any> args, const std::string& model) {
  if (args.size() != 1) {
    throw_error(ErrorKind::kType, "model '{}' takes one Device, got {} arguments", model,
                args.size());
  }
  if (!args[0].is<std::vector<Device>>()) return args[0].as<Device>();
  const auto devices = args[0].as<std::vector<Device>>();
  if (devices.size() != 1) {
    throw_error(ErrorKind::kValue, "model '{}' runs on one device, got {}", model, devices.size());
  }
  return devices[0];
}

constexpr std::string_view kLoadParams = ".load_params";

}  // namespace

void check_descriptor(const dv_library* library, const std::string& where) {
  if (std::memcmp(library->magic, DV_MAGIC, sizeof library->magic) != 0) {
    throw_error(ErrorKind::kValue, "{} is damaged: its descriptor does not begin with {}", where,
                DV_MAGIC);
  }
  if (library->abi_version != DV_ABI_VERSION) {
    throw_error(ErrorKind::kValue,
                "{} was made for ABI version {}; this runtime reads version {}: rebuild the "
                "library{}",
                where, library->abi_version, DV_ABI_VERSION,
                library->abi_version > DV_ABI_VERSION ? " or use a newer runtime" : "");
  }
  check_size<dv_library>(library->size, "descriptor", where);
  if (!library->api || !library->models || library->num_models == 0) {
    throw_error(ErrorKind::kValue, "{} is damaged: its descriptor names no model", where);
  }
  check_size<dv_api>(library->api->size, "table of entry points", where);
  for (uint64_t k = 0; k < library->num_models; ++k) {
    check_size<dv_model>(library->models[k]->size, "descriptor of a model", where);
  }
}

LibraryNode::LibraryNode(const dv_library* library, std::unique_ptr<SharedLibrary> file,
                         std::string where)
    : file_(std::move(file)), library_(library), where_(std::move(where)) {}

std::string LibraryNode::description() const { return where_; }

std::vector<std::string> LibraryNode::names() const {
  std::vector<std::string> models;
  for (uint64_t k = 0; k < library_->num_models; ++k) {
    models.emplace_back(library_->models[k]->name);
  }
  if (std::ranges::find(models, "default") == models.end()) models.emplace_back("default");
  std::vector<std::string> names;
  for (const std::string& model : models) {
    names.push_back(model);
    names.push_back(model + std::string(kLoadParams));
  }
  return names;
}

Function LibraryNode::function(const std::string& name) {
  const auto self = std::static_pointer_cast<LibraryNode>(shared_from_this());
  const size_t dot = name.find('.');  // no model's name has one
  const dv_model* model = Module(self).model(name.substr(0, dot));
  if (name.ends_with(kLoadParams)) {
    return Function(Function::Body([self, name, model](std::span<const Any> args) -> Any {
      if (args.size() != 1) {
        throw_error(ErrorKind::kType, "{} takes (Params), got {} arguments", name, args.size());
      }
      self->load_params(model, args[0].as<Params>());
      return {};
    }));
  }
  return Function(Function::Body([self, model](std::span<const Any> args) -> Any {
    const Device device = only_device(args, model->name);
    if (device != cpu()) {
      throw_error(ErrorKind::kValue, "model '{}' cannot run on {}; it runs on {}", model->name,
                  device.name(), cpu().name());
    }
    return Module(std::make_shared<detail::ExecutorNode>(self, model));
  }));
}

PreparedParams LibraryNode::params(const dv_model* model) const {
  const std::lock_guard lock(params_mutex_);
  const auto found = params_.find(model);
  return found == params_.end() ? nullptr : found->second;
}

void LibraryNode::load_params(const dv_model* model, const Params& params) {
  PreparedParams prepared = prepare_params(*model, params);  // takes long: without the lock
  const std::lock_guard lock(params_mutex_);
  params_[model].swap(prepared);
}

}  // namespace runtime

Module Module::load(const std::filesystem::path& path) {
  const std::string where = path.string();
  auto file = std::make_unique<runtime::SharedLibrary>(path);
  const dv_library* library = runtime::descriptor_of(*file, where);
  runtime::check_descriptor(library, where);
  return Module(std::make_shared<runtime::LibraryNode>(library, std::move(file), where));
}

Module Module::system_lib(const dv_library* library) {
  const std::string where = "the library in this program";
  if (!library) throw_error(ErrorKind::kValue, "{} is null", where);
  runtime::check_descriptor(library, where);
  return Module(std::make_shared<runtime::LibraryNode>(library, nullptr, where));
}

}  // namespace dovetail
