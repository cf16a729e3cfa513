// runtime_c.h over runtime.h.
#include <dovetail/runtime.h>
#include <dovetail/runtime_c.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/executor.h"
#include "runtime/library.h"
#include "runtime/tensor.h"

struct dovetail_module {
  dovetail::Module module;
};
struct dovetail_params {
  dovetail::Params params;
};
struct dovetail_executor {
  std::shared_ptr<dovetail::detail::ExecutorNode> node;
};

namespace dovetail {
namespace {

int32_t code_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kValue:
      return DV_VALUE_ERROR;
    case ErrorKind::kType:
      return DV_TYPE_ERROR;
    case ErrorKind::kKey:
      return DV_KEY_ERROR;
    case ErrorKind::kMemory:
      return DV_MEMORY_ERROR;
    case ErrorKind::kState:
      return DV_STATE_ERROR;
    default:
      return DV_RUNTIME_ERROR;
  }
}

int32_t fail(dv_error* error, int32_t code, const char* message) {
  if (error) {
    error->code = code;
    size_t size = std::min(std::strlen(message), sizeof(error->message) - 1);
    while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xc0) == 0x80) --size;
    std::memcpy(error->message, message, size);
    error->message[size] = '\0';
  }
  return code;
}

// Runs `body`; no exception leaves.
template <class Body>
int32_t guarded(dv_error* error, const Body& body) {
  try {
    body();
    return DV_OK;
  } catch (const Error& e) {
    return fail(error, code_of(e.kind()), e.what());
  } catch (const std::bad_alloc&) {
    return fail(error, DV_MEMORY_ERROR, "no memory left");
  } catch (const std::exception& e) {
    return fail(error, DV_RUNTIME_ERROR, e.what());
  }
}

Tensor borrowed(const dv_tensor* tensor) {
  if (!tensor) throw Error(ErrorKind::kType, "the tensor is NULL");
  if (tensor->ndim < 0 || (tensor->ndim > 0 && !tensor->shape)) {
    throw Error(ErrorKind::kValue,
                "the tensor has " + std::to_string(tensor->ndim) + " axes and no shape");
  }
  return detail::TensorNode::make(*tensor, /*read_only=*/false, nullptr);
}

std::vector<Device> devices_of(const dv_device* devices, int32_t count) {
  std::vector<Device> result;
  for (int32_t k = 0; k < count; ++k) result.push_back({devices[k].type, devices[k].id});
  if (result.empty()) result.push_back(cpu());
  return result;
}

}  // namespace
}  // namespace dovetail

using dovetail::borrowed;
using dovetail::guarded;

int32_t dovetail_module_load(const char* path, dovetail_module** module, dv_error* error) {
  return guarded(error, [&] { *module = new dovetail_module{dovetail::Module::load(path)}; });
}

int32_t dovetail_module_system_lib(const dv_library* library, dovetail_module** module,
                                   dv_error* error) {
  return guarded(error,
                 [&] { *module = new dovetail_module{dovetail::Module::system_lib(library)}; });
}

void dovetail_module_release(dovetail_module* module) { delete module; }

const dv_library* dovetail_module_library(const dovetail_module* module) {
  return module->module.library();
}

int32_t dovetail_executor_create(dovetail_module* module, const char* model,
                                 const dv_device* devices, int32_t num_devices,
                                 dovetail_executor** executor, dv_error* error) {
  return guarded(error, [&] {
    // The model first: its error names the models alone, not every function.
    const char* name = module->module.model(model ? model : "default")->name;
    const dovetail::Function factory = module->module[name];
    const auto made = factory(dovetail::devices_of(devices, num_devices)).as<dovetail::Module>();
    *executor = new dovetail_executor{
        std::static_pointer_cast<dovetail::detail::ExecutorNode>(made.node())};
  });
}

void dovetail_executor_release(dovetail_executor* executor) { delete executor; }

const dv_model* dovetail_executor_model(const dovetail_executor* executor) {
  return &executor->node->model();
}

int32_t dovetail_input_index(const dovetail_executor* executor, const char* name, int32_t* index,
                             dv_error* error) {
  return guarded(error, [&] { *index = executor->node->input_index(name); });
}

int32_t dovetail_output_index(const dovetail_executor* executor, const char* name, int32_t* index,
                              dv_error* error) {
  return guarded(error, [&] { *index = executor->node->output_index(name); });
}

int32_t dovetail_set_input(dovetail_executor* executor, int32_t index, const dv_tensor* tensor,
                           dv_error* error) {
  return guarded(error, [&] { executor->node->set_input(index, borrowed(tensor)); });
}

int32_t dovetail_set_input_zero_copy(dovetail_executor* executor, int32_t index,
                                     const dv_tensor* tensor, dv_error* error) {
  return guarded(error, [&] { executor->node->set_input_zero_copy(index, borrowed(tensor)); });
}

int32_t dovetail_set_output_zero_copy(dovetail_executor* executor, int32_t index,
                                      const dv_tensor* tensor, dv_error* error) {
  return guarded(error, [&] {
    executor->node->set_output_zero_copy(index, tensor ? borrowed(tensor) : dovetail::Tensor());
  });
}

int32_t dovetail_run(dovetail_executor* executor, dv_error* error) {
  return guarded(error, [&] { executor->node->run(); });
}

int32_t dovetail_run_observed(dovetail_executor* executor, const dv_observer* observer,
                              dv_error* error) {
  return guarded(error, [&] {
    if (!observer) throw dovetail::Error(dovetail::ErrorKind::kValue, "the observer is NULL");
    executor->node->run_observed(*observer);
  });
}

int32_t dovetail_call(dovetail_module* module, const char* model, const dv_tensor* inputs,
                      int32_t num_inputs, const dv_tensor* outputs, int32_t num_outputs,
                      dv_error* error) {
  return guarded(error, [&] {
    const dv_model& found = *module->module.model(model ? model : "default");
    if (num_outputs != found.num_outputs) {
      dovetail::throw_error(dovetail::ErrorKind::kType, "model '{}' has {} output{}, got {}",
                            found.name, found.num_outputs, found.num_outputs == 1 ? "" : "s",
                            num_outputs);
    }
    std::vector<dovetail::Tensor> tensors;
    for (int32_t k = 0; k < num_inputs; ++k) tensors.push_back(borrowed(&inputs[k]));
    const auto& library = static_cast<dovetail::runtime::LibraryNode&>(*module->module.node());
    library.stateless(&found).run(tensors, [&](dovetail::detail::ExecutorNode& executor) {
      for (int32_t k = 0; k < num_outputs; ++k) executor.get_output(k, borrowed(&outputs[k]));
    });
  });
}

int32_t dovetail_get_input(dovetail_executor* executor, int32_t index, dv_tensor* view,
                           dv_error* error) {
  return guarded(error, [&] { executor->node->view_input(index, view); });
}

int32_t dovetail_get_output(dovetail_executor* executor, int32_t index, dv_tensor* view,
                            dv_error* error) {
  return guarded(error, [&] { executor->node->view_output(index, view); });
}

int32_t dovetail_copy_output(dovetail_executor* executor, int32_t index, const dv_tensor* tensor,
                             dv_error* error) {
  return guarded(error, [&] { executor->node->get_output(index, borrowed(tensor)); });
}

int32_t dovetail_executor_set_num_threads(dovetail_executor* executor, int32_t threads,
                                          dv_error* error) {
  return guarded(error, [&] { executor->node->set_num_threads(threads); });
}

int32_t dovetail_params_create(dovetail_params** params, dv_error* error) {
  return guarded(error, [&] { *params = new dovetail_params{}; });
}

int32_t dovetail_params_load(const char* path, dovetail_params** params, dv_error* error) {
  return guarded(error, [&] { *params = new dovetail_params{dovetail::Params::load(path)}; });
}

void dovetail_params_release(dovetail_params* params) { delete params; }

int32_t dovetail_params_set(dovetail_params* params, const char* name, const dv_tensor* tensor,
                            dv_error* error) {
  return guarded(error, [&] { params->params.tensors.insert_or_assign(name, borrowed(tensor)); });
}

int32_t dovetail_params_get(const dovetail_params* params, const char* name, dv_tensor* view,
                            dv_error* error) {
  return guarded(error, [&] {
    const auto& tensors = params->params.tensors;
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      throw dovetail::Error(dovetail::ErrorKind::kKey,
                            "there is no param '" + std::string(name) + "'");
    }
    *view = *found->second.get();
  });
}

int32_t dovetail_params_save(const dovetail_params* params, const char* path, dv_error* error) {
  return guarded(error, [&] { params->params.save(path); });
}

int32_t dovetail_module_load_params(dovetail_module* module, const char* model,
                                    const dovetail_params* params, dv_error* error) {
  return guarded(error, [&] {
    module->module[std::string(model ? model : "default") + ".load_params"](params->params);
  });
}

int32_t dovetail_load_params(dovetail_executor* executor, const dovetail_params* params,
                             dv_error* error) {
  return guarded(error, [&] { executor->node->load_params(params->params); });
}

int32_t dovetail_share_params(dovetail_executor* executor, const dovetail_executor* other,
                              dv_error* error) {
  return guarded(error, [&] { executor->node->share_params(*other->node); });
}

int32_t dovetail_set_num_threads(int32_t threads, dv_error* error) {
  return guarded(error, [&] { dovetail::set_num_threads(threads); });
}

int32_t dovetail_num_threads(void) {
  int32_t threads = 0;
  guarded(nullptr, [&] { threads = dovetail::num_threads(); });
  return threads;
}
