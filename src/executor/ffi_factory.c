/* The packed functions of a library: what __tvm_ffi_<model> and __tvm_ffi_dovetail.library call. */
#include "executor/copy.h"
#include "executor/error_text.h"
#include "executor/ffi_arguments.h"
#include "executor/ffi_executor.h"
#include "executor/ffi_pin.h"

/* ---- A call of a function of the Map */

static int32_t check_count(const dv_ffi_method* method, int32_t num_args, dv_error* error) {
  if (num_args >= method->least && num_args <= method->most) return DV_OK;
  dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
  dv_put(&text, method->name);
  dv_put(&text, " takes ");
  dv_put(&text, method->parameters);
  dv_put(&text, ", got ");
  dv_put_integer(&text, num_args);
  dv_put(&text, num_args == 1 ? " argument" : " arguments");
  return dv_text_end(&text);
}

static int32_t call_bound(const dv_ffi_bound_method* bound, const dv_any* args, int32_t num_args,
                          dv_any* result, dv_error* error) {
  dv_ffi_executor* executor = bound->executor;
  if (bound->method->locks_itself) {
    return bound->method->call(executor, args, num_args, result, error);
  }
  int32_t code = dv_ffi_lock(executor, error);
  if (code != DV_OK) return code;
  code = bound->method->call(executor, args, num_args, result, error);
  dv_ffi_unlock(executor);
  return code;
}

static int call_method(void* self, const dv_any* args, int32_t num_args, dv_any* result) {
  const dv_ffi_bound_method* bound = self;
  dv_error error;
  dv_any made;
  dv_clear_bytes(&made, sizeof(made));
  int32_t code = check_count(bound->method, num_args, &error);
  if (code == DV_OK) code = call_bound(bound, args, num_args, &made, &error);
  if (code == DV_FFI_RAISED) return -1;
  if (code != DV_OK) return dv_ffi_raise(&bound->executor->provider, &error);
  *result = made;
  return 0;
}

static void release_method(void* self) {
  dv_ffi_release_executor(((dv_ffi_bound_method*)self)->executor);
}

/* ---- The Map */

/* Fills args with name, function, name, function, ...; the functions made are the caller's. */
static int32_t make_functions(dv_ffi_executor* executor, dv_any* args) {
  for (int32_t i = 0; i < DV_FFI_NUM_METHODS; ++i) {
    dv_object* function = NULL;
    dv_ffi_retain_executor(executor);
    if (executor->provider.create_function(&executor->methods[i], call_method, release_method,
                                           &function) != 0) {
      dv_ffi_release_executor(executor);
      return DV_FFI_RAISED;
    }
    args[2 * i].type = DV_ANY_C_STRING;
    args[2 * i].value.pointer = (void*)(uintptr_t)dv_ffi_methods[i].name;
    args[2 * i + 1].type = DV_ANY_FUNCTION;
    args[2 * i + 1].value.pointer = function;
  }
  return DV_OK;
}

static int32_t make_map(dv_ffi_executor* executor, dv_any* result, dv_error* error) {
  const dv_ffi_provider* provider = &executor->provider;
  dv_any args[2 * DV_FFI_NUM_METHODS];
  dv_clear_bytes(args, sizeof(args));
  int32_t code = make_functions(executor, args);
  if (code == DV_OK) {
    code = dv_ffi_call_global(provider, "ffi.Map", args, 2 * DV_FFI_NUM_METHODS, result, error);
  }
  for (int32_t i = 0; i < DV_FFI_NUM_METHODS; ++i) {
    if (args[2 * i + 1].value.pointer) provider->release(args[2 * i + 1].value.pointer);
  }
  return code;
}

/* ---- The factory's arguments: devices one by one, lists of them, or both */

static const char* device_name(int32_t type) {
  switch (type) {
    case DV_CPU:
      return "cpu";
    case 2:
      return "cuda";
    case 4:
      return "opencl";
    case 7:
      return "vulkan";
    case 8:
      return "metal";
    case 10:
      return "rocm";
    default:
      return NULL;
  }
}

static void put_device(dv_text* text, dv_device device) {
  const char* name = device_name(device.type);
  dv_put(text, name ? name : "device type ");
  if (!name) dv_put_integer(text, device.type);
  dv_put(text, ":");
  dv_put_integer(text, device.id);
}

static int32_t not_a_device(const dv_model* model, const char* kind, dv_error* error) {
  dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
  dv_put(&text, "model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, " takes devices, got ");
  dv_put(&text, kind);
  return dv_text_end(&text);
}

static int32_t check_device(const dv_model* model, const dv_any* value, dv_error* error) {
  if (value->type != DV_ANY_DEVICE) return not_a_device(model, dv_any_kind(value), error);
  const dv_device device = value->value.device;
  if (device.type == DV_CPU && device.id == 0) return DV_OK;
  dv_text text = dv_text_begin(error, DV_VALUE_ERROR);
  dv_put(&text, "model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, " cannot run on ");
  put_device(&text, device);
  dv_put(&text, "; it runs on cpu:0");
  return dv_text_end(&text);
}

static int32_t check_devices(const dv_model* model, const dv_any* args, int32_t num_args,
                             dv_error* error) {
  int64_t count = 0;
  int32_t code = DV_OK;
  for (int32_t k = 0; k < num_args && code == DV_OK; ++k) {
    const dv_any* items = &args[k];
    const int64_t size = dv_any_items(&items);
    for (int64_t i = 0; i < size && code == DV_OK; ++i, ++count) {
      code = check_device(model, &items[i], error);
    }
  }
  if (code == DV_OK && count == 0) {
    return not_a_device(model, "none; it runs on cpu:0", error);
  }
  return code;
}

static int32_t make_executor(const dv_model* model, const dv_ffi_provider* provider, dv_any* result,
                             dv_error* error) {
  dv_ffi_executor* executor = dv_ffi_create_executor(model, provider, error);
  if (!executor) return error->code;
  const int32_t code = make_map(executor, result, error);
  if (code == DV_OK) dv_ffi_pin_library();
  dv_ffi_release_executor(executor); /* the functions of the Map hold it now */
  return code;
}

int32_t dovetail_ffi_factory(const dv_model* model, const void* args, int32_t num_args,
                             void* result) {
  dv_ffi_provider provider;
  dv_error error;
  dv_any made;
  dv_clear_bytes(&made, sizeof(made));
  dv_ffi_find_provider(&provider);
  int32_t code = dv_ffi_check_provider(&provider, &error);
  if (code == DV_OK) code = check_devices(model, args, num_args, &error);
  if (code == DV_OK) code = make_executor(model, &provider, &made, &error);
  if (code == DV_FFI_RAISED) return -1;
  if (code != DV_OK) return dv_ffi_raise(&provider, &error);
  *(dv_any*)result = made;
  return 0;
}

int32_t dovetail_ffi_library(const dv_library* library, const void* args, int32_t num_args,
                             void* result) {
  (void)args;
  if (num_args != 0) {
    dv_ffi_provider provider;
    dv_error error;
    dv_ffi_find_provider(&provider);
    dv_fail(&error, DV_TYPE_ERROR, "dovetail.library takes no arguments");
    return dv_ffi_raise(&provider, &error);
  }
  const dv_any made = {DV_ANY_POINTER, 0, {.pointer = (void*)(uintptr_t)library}};
  *(dv_any*)result = made;
  return 0;
}
