/* The stateless call of a model through tvm_ffi: a context of its own for every call. */
#include "executor/copy.h"
#include "executor/error_text.h"
#include "executor/ffi_arguments.h"
#include "executor/ffi_executor.h"
#include "executor/ffi_pin.h"

static int32_t check_count(const dv_model* model, int32_t num_args, dv_error* error) {
  if (num_args == model->num_inputs) return DV_OK;
  dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
  dv_put(&text, "model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, " has ");
  dv_put_integer(&text, model->num_inputs);
  dv_put(&text, model->num_inputs == 1 ? " input, got " : " inputs, got ");
  dv_put_integer(&text, num_args);
  return dv_text_end(&text);
}

static int32_t set_inputs(dv_context* context, const dv_any* args, dv_error* error) {
  for (int32_t i = 0; i < context->model->num_inputs; ++i) {
    const dv_tensor* tensor = NULL;
    dv_object* object = NULL;
    if (!dv_any_as_tensor(&args[i], &tensor, &object)) {
      dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
      dv_put(&text, "model ");
      dv_put_quoted(&text, context->model->name);
      dv_put(&text, " takes tensors, got ");
      dv_put(&text, dv_any_kind(&args[i]));
      return dv_text_end(&text);
    }
    const int32_t code = dv_set_input(context, i, tensor, error);
    if (code != DV_OK) return code;
  }
  return DV_OK;
}

/* The memory of an output; the context, which has another reference to it, goes. */
static int32_t take_output(dv_ffi_executor* executor, int32_t index, dv_any* result,
                           dv_error* error) {
  dv_tensor view;
  const int32_t code = dv_get_output(executor->context, index, &view, error);
  if (code != DV_OK) return code;
  dv_buffer* buffer = executor->context->outputs[index].buffer;
  return dv_ffi_make_view(&executor->provider, NULL, &view, buffer, result, error);
}

/* One output alone; else an Array of all. */
static int32_t take_outputs(dv_ffi_executor* executor, dv_any* result, dv_error* error) {
  const int32_t count = executor->context->model->num_outputs;
  if (count == 1) return take_output(executor, 0, result, error);
  const int64_t bytes = count * (int64_t)sizeof(dv_any);
  dv_any* outputs = executor->provider.malloc((size_t)bytes + 1);
  if (!outputs) return dv_fail(error, DV_MEMORY_ERROR, "no memory for a list of outputs");
  dv_clear_bytes(outputs, bytes);
  int32_t code = DV_OK;
  for (int32_t i = 0; i < count && code == DV_OK; ++i) {
    code = take_output(executor, i, &outputs[i], error);
  }
  if (code == DV_OK) {
    code = dv_ffi_call_global(&executor->provider, "ffi.Array", outputs, count, result, error);
  }
  for (int32_t i = 0; i < count; ++i) {
    if (outputs[i].value.pointer) executor->provider.release(outputs[i].value.pointer);
  }
  executor->provider.free(outputs);
  return code;
}

static int32_t run(const dv_model* model, const dv_ffi_provider* provider, const dv_any* args,
                   dv_any* result, dv_error* error) {
  dv_ffi_executor* executor = dv_ffi_create_executor(model, provider, error);
  if (!executor) return error->code;
  int32_t code = set_inputs(executor->context, args, error);
  if (code == DV_OK) code = dv_run(executor->context, error);
  if (code == DV_OK) code = take_outputs(executor, result, error);
  dv_ffi_release_executor(executor);
  return code;
}

int32_t dovetail_ffi_run(const dv_model* model, const void* args, int32_t num_args, void* result) {
  dv_ffi_provider provider;
  dv_error error;
  dv_any made;
  dv_clear_bytes(&made, sizeof(made));
  dv_ffi_find_provider(&provider);
  int32_t code = dv_ffi_check_provider(&provider, &error);
  if (code == DV_OK) code = check_count(model, num_args, &error);
  if (code == DV_OK) code = run(model, &provider, args, &made, &error);
  if (code == DV_OK) dv_ffi_pin_library(); /* its results are freed by code of this library */
  if (code == DV_FFI_RAISED) return -1;
  if (code != DV_OK) return dv_ffi_raise(&provider, &error);
  *(dv_any*)result = made;
  return 0;
}
