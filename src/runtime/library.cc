#include "runtime/library.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "runtime/executor.h"

namespace dovetail {
namespace runtime {
namespace {

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

LibraryNode::LibraryNode(const dv_library* library, std::shared_ptr<const void> file,
                         std::string where)
    : file_(std::move(file)), library_(library), where_(std::move(where)) {}

std::string LibraryNode::description() const { return where_; }

std::vector<std::string> LibraryNode::names() const {
  std::vector<std::string> names;
  for (uint64_t k = 0; k < library_->num_models; ++k) names.emplace_back(library_->models[k]->name);
  if (std::ranges::find(names, "default") == names.end()) names.emplace_back("default");
  return names;
}

Function LibraryNode::function(const std::string& name) {
  const auto self = std::static_pointer_cast<LibraryNode>(shared_from_this());
  const dv_model* model = Module(self).model(name);
  return Function([self, model](std::span<const Any> args) -> Any {
    const Device device = only_device(args, model->name);
    if (device != cpu()) {
      throw_error(ErrorKind::kValue, "model '{}' cannot run on {}; it runs on {}", model->name,
                  device.name(), cpu().name());
    }
    return Module(std::make_shared<detail::ExecutorNode>(self, model));
  });
}

}  // namespace runtime

Module Module::system_lib(const dv_library* library) {
  const std::string where = "the library in this program";
  if (!library) throw_error(ErrorKind::kValue, "{} is null", where);
  runtime::check_descriptor(library, where);
  return Module(std::make_shared<runtime::LibraryNode>(library, nullptr, where));
}

}  // namespace dovetail
