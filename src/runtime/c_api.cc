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

// An argument that may not be NULL.
template <class T>
T* required(T* argument, const char* what) {
  if (!argument) throw_error(ErrorKind::kValue, "{} is NULL", what);
  return argument;
}

// Where a function writes its result; looked at first, so that nothing is made in vain.
template <class T>
T& place(T* result) {
  return *required(result, "the place for the result");
}

Module& module_of(dovetail_module* module) { return required(module, "the module")->module; }

detail::ExecutorNode& node_of(const dovetail_executor* executor) {
  return *required(executor, "the executor")->node;
}

// Params, const or not.
template <class T>
auto& params_of(T* params) {
  return required(params, "the params object")->params;
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
  if (count > 0) required(devices, "the list of devices");
  for (int32_t k = 0; k < count; ++k) result.push_back({devices[k].type, devices[k].id});
  if (result.empty()) result.push_back(cpu());
  return result;
}

}  // namespace
}  // namespace dovetail

using dovetail::borrowed;
using dovetail::guarded;
using dovetail::module_of;
using dovetail::node_of;
using dovetail::params_of;
using dovetail::place;
using dovetail::required;

int32_t dovetail_module_load(const char* path, dovetail_module** module, dv_error* error) {
  return guarded(error, [&] {
    dovetail_module*& loaded = place(module);
    loaded = new dovetail_module{dovetail::Module::load(required(path, "the path"))};
  });
}

int32_t dovetail_module_system_lib(const dv_library* library, dovetail_module** module,
                                   dv_error* error) {
  return guarded(error, [&] {
    dovetail_module*& made = place(module);
    made = new dovetail_module{dovetail::Module::system_lib(library)};
  });
}

void dovetail_module_release(dovetail_module* module) { delete module; }

const dv_library* dovetail_module_library(const dovetail_module* module) {
  return module ? module->module.library() : nullptr;
}

int32_t dovetail_executor_create(dovetail_module* module, const char* model,
                                 const dv_device* devices, int32_t num_devices,
                                 dovetail_executor** executor, dv_error* error) {
  return guarded(error, [&] {
    dovetail_executor*& result = place(executor);
    const dovetail::Module& library = module_of(module);
    // The model first: its error names the models alone, not every function.
    const char* name = library.model(model ? model : "default")->name;
    const dovetail::Function factory = library[name];
    const auto made = factory(dovetail::devices_of(devices, num_devices)).as<dovetail::Module>();
    result = new dovetail_executor{
        std::static_pointer_cast<dovetail::detail::ExecutorNode>(made.node())};
  });
}

void dovetail_executor_release(dovetail_executor* executor) { delete executor; }

const dv_model* dovetail_executor_model(const dovetail_executor* executor) {
  return executor ? &executor->node->model() : nullptr;
}

int32_t dovetail_input_index(const dovetail_executor* executor, const char* name, int32_t* index,
                             dv_error* error) {
  return guarded(error,
                 [&] { place(index) = node_of(executor).input_index(required(name, "the name")); });
}

int32_t dovetail_output_index(const dovetail_executor* executor, const char* name, int32_t* index,
                              dv_error* error) {
  return guarded(
      error, [&] { place(index) = node_of(executor).output_index(required(name, "the name")); });
}

int32_t dovetail_set_input(dovetail_executor* executor, int32_t index, const dv_tensor* tensor,
                           dv_error* error) {
  return guarded(error, [&] { node_of(executor).set_input(index, borrowed(tensor)); });
}

int32_t dovetail_set_input_zero_copy(dovetail_executor* executor, int32_t index,
                                     const dv_tensor* tensor, dv_error* error) {
  return guarded(error, [&] { node_of(executor).set_input_zero_copy(index, borrowed(tensor)); });
}

int32_t dovetail_set_output_zero_copy(dovetail_executor* executor, int32_t index,
                                      const dv_tensor* tensor, dv_error* error) {
  return guarded(error, [&] {
    node_of(executor).set_output_zero_copy(index, tensor ? borrowed(tensor) : dovetail::Tensor());
  });
}

int32_t dovetail_run(dovetail_executor* executor, dv_error* error) {
  return guarded(error, [&] { node_of(executor).run(); });
}

int32_t dovetail_run_observed(dovetail_executor* executor, const dv_observer* observer,
                              dv_error* error) {
  return guarded(error,
                 [&] { node_of(executor).run_observed(*required(observer, "the observer")); });
}

int32_t dovetail_call(dovetail_module* module, const char* model, const dv_tensor* inputs,
                      int32_t num_inputs, const dv_tensor* outputs, int32_t num_outputs,
                      dv_error* error) {
  return guarded(error, [&] {
    const dovetail::Module& library = module_of(module);
    const dv_model& found = *library.model(model ? model : "default");
    if (num_outputs != found.num_outputs) {
      dovetail::throw_error(dovetail::ErrorKind::kType, "model '{}' has {} output{}, got {}",
                            found.name, found.num_outputs, found.num_outputs == 1 ? "" : "s",
                            num_outputs);
    }
    if (num_inputs > 0) required(inputs, "the list of inputs");
    if (num_outputs > 0) required(outputs, "the list of outputs");
    std::vector<dovetail::Tensor> tensors;
    for (int32_t k = 0; k < num_inputs; ++k) tensors.push_back(borrowed(&inputs[k]));
    const auto& node = static_cast<dovetail::runtime::LibraryNode&>(*library.node());
    node.stateless(&found).run(tensors, [&](dovetail::detail::ExecutorNode& executor) {
      for (int32_t k = 0; k < num_outputs; ++k) executor.get_output(k, borrowed(&outputs[k]));
    });
  });
}

int32_t dovetail_get_input(dovetail_executor* executor, int32_t index, dv_tensor* view,
                           dv_error* error) {
  return guarded(error, [&] { node_of(executor).view_input(index, &place(view)); });
}

int32_t dovetail_get_output(dovetail_executor* executor, int32_t index, dv_tensor* view,
                            dv_error* error) {
  return guarded(error, [&] { node_of(executor).view_output(index, &place(view)); });
}

int32_t dovetail_copy_output(dovetail_executor* executor, int32_t index, const dv_tensor* tensor,
                             dv_error* error) {
  return guarded(error, [&] { node_of(executor).get_output(index, borrowed(tensor)); });
}

int32_t dovetail_executor_set_num_threads(dovetail_executor* executor, int32_t threads,
                                          dv_error* error) {
  return guarded(error, [&] { node_of(executor).set_num_threads(threads); });
}

int32_t dovetail_params_create(dovetail_params** params, dv_error* error) {
  return guarded(error, [&] {
    dovetail_params*& made = place(params);
    made = new dovetail_params{};
  });
}

int32_t dovetail_params_load(const char* path, dovetail_params** params, dv_error* error) {
  return guarded(error, [&] {
    dovetail_params*& loaded = place(params);
    loaded = new dovetail_params{dovetail::Params::load(required(path, "the path"))};
  });
}

void dovetail_params_release(dovetail_params* params) { delete params; }

int32_t dovetail_params_set(dovetail_params* params, const char* name, const dv_tensor* tensor,
                            dv_error* error) {
  return guarded(error, [&] {
    params_of(params).tensors.insert_or_assign(required(name, "the name"), borrowed(tensor));
  });
}

int32_t dovetail_params_get(const dovetail_params* params, const char* name, dv_tensor* view,
                            dv_error* error) {
  return guarded(error, [&] {
    dv_tensor& result = place(view);
    const auto& tensors = params_of(params).tensors;
    const auto found = tensors.find(required(name, "the name"));
    if (found == tensors.end()) {
      throw dovetail::Error(dovetail::ErrorKind::kKey,
                            "there is no param '" + std::string(name) + "'");
    }
    result = *found->second.get();
  });
}

int32_t dovetail_params_save(const dovetail_params* params, const char* path, dv_error* error) {
  return guarded(error, [&] { params_of(params).save(required(path, "the path")); });
}

int32_t dovetail_module_load_params(dovetail_module* module, const char* model,
                                    const dovetail_params* params, dv_error* error) {
  return guarded(error, [&] {
    module_of(module)[std::string(model ? model : "default") + ".load_params"](params_of(params));
  });
}

int32_t dovetail_load_params(dovetail_executor* executor, const dovetail_params* params,
                             dv_error* error) {
  return guarded(error, [&] { node_of(executor).load_params(params_of(params)); });
}

int32_t dovetail_share_params(dovetail_executor* executor, const dovetail_executor* other,
                              dv_error* error) {
  return guarded(
      error, [&] { node_of(executor).share_params(*required(other, "the other executor")->node); });
}

int32_t dovetail_set_num_threads(int32_t threads, dv_error* error) {
  return guarded(error, [&] { dovetail::set_num_threads(threads); });
}

int32_t dovetail_num_threads(void) {
  int32_t threads = 0;
  guarded(nullptr, [&] { threads = dovetail::num_threads(); });
  return threads;
}
