#include "runtime/library.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "runtime/debug.h"
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

// Devices one by one, a list of them, or both.
void check_devices(std::span<const Any> args, const dv_model& model) {
  std::vector<Device> devices;
  for (const Any& arg : args) {
    if (arg.is<Device>()) {
      devices.push_back(arg.as<Device>());
    } else if (arg.is<std::vector<Device>>()) {
      const auto list = arg.as<std::vector<Device>>();
      devices.insert(devices.end(), list.begin(), list.end());
    } else {
      throw_error(ErrorKind::kType, "model '{}' takes devices, got {}", model.name, arg.kind());
    }
  }
  if (devices.empty()) {
    throw_error(ErrorKind::kType, "model '{}' takes devices, got none; it runs on {}", model.name,
                cpu().name());
  }
  for (const Device& device : devices) {
    if (device == cpu()) continue;
    throw_error(ErrorKind::kValue, "model '{}' cannot run on {}; it runs on {}", model.name,
                device.name(), cpu().name());
  }
}

template <class Node>
Function factory(std::shared_ptr<LibraryNode> library, const dv_model* model) {
  return Function(Function::Body([library = std::move(library), model](std::span<const Any> args) {
    check_devices(args, *model);
    return Any(Module(std::make_shared<Node>(library, model)));
  }));
}

constexpr std::string_view kDebug = ".debug";
constexpr std::string_view kRun = ".run";
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

LibraryNode::LibraryNode(const dv_library* library, std::shared_ptr<const void> file,
                         std::string where)
    : file_(std::move(file)), library_(library), where_(std::move(where)) {
  for (uint64_t k = 0; k < library_->num_models; ++k) {
    stateless_.push_back(std::make_unique<detail::StatelessModel>(this, library_->models[k]));
  }
}

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
    names.push_back(model + std::string(kDebug));
    names.push_back(model + std::string(kRun));
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
  if (name.ends_with(kDebug)) return factory<detail::DebugNode>(self, model);
  if (!name.ends_with(kRun)) return factory<detail::ExecutorNode>(self, model);
  return Function(Function::Body(
      [self, model](std::span<const Any> args) { return self->stateless(model).call(args); }));
}

detail::StatelessModel& LibraryNode::stateless(const dv_model* model) const {
  const auto* found = std::find(library_->models, library_->models + library_->num_models, model);
  return *stateless_[found - library_->models];
}

PreparedParams LibraryNode::params(const dv_model* model) const {
  const std::lock_guard lock(params_mutex_);
  const auto found = params_.find(model);
  return found == params_.end() ? nullptr : found->second;
}

void LibraryNode::load_params(const dv_model* model, const Params& params) {
  PreparedParams prepared = prepare_params(*model, params);  // takes long: without the lock
  {
    const std::lock_guard lock(params_mutex_);
    params_[model].swap(prepared);
  }
  stateless(model).forget();
}

}  // namespace runtime

Module Module::system_lib(const dv_library* library) {
  const std::string where = "the library in this program";
  if (!library) throw_error(ErrorKind::kValue, "{} is null", where);
  runtime::check_descriptor(library, where);
  return Module(std::make_shared<runtime::LibraryNode>(library, nullptr, where));
}

}  // namespace dovetail
