#include "executor/copy.h"
#include "executor/error_text.h"
#include "executor/tensor_check.h"

static int32_t find(dv_context* context, int32_t index, const dv_tensor* tensor, dv_binding** input,
                    dv_error* error) {
  const int32_t code = dv_find_binding(context, DV_ROLE_INPUT, index, input, error);
  if (code != DV_OK) return code;
  return dv_check_tensor(context->model, DV_ROLE_INPUT, (*input)->info, tensor, error);
}

/* What both kinds of input share. The input changes only after nothing can fail any more. */
static void set(dv_binding* input, const dv_tensor* tensor, uint8_t* data) {
  const int32_t ndim = input->info->ndim;
  for (int32_t axis = 0; axis < ndim; ++axis) input->shape[axis] = tensor->shape[axis];
  dv_compact_strides(input->shape, ndim, input->strides);
  input->data = data;
  input->ready = 1;
}

int32_t dv_set_input(dv_context* context, int32_t index, const dv_tensor* tensor, dv_error* error) {
  dv_binding* input = NULL;
  const int32_t code = find(context, index, tensor, &input, error);
  if (code != DV_OK) return code;
  const int64_t bytes = dv_compact_size(tensor->shape, tensor->ndim, tensor->dtype);
  /* A view of the input itself is read while the input is written: into other memory. */
  dv_buffer* old = input->buffer;
  const int own_view = old && dv_overlaps(tensor, dv_buffer_data(old), old->capacity);
  dv_buffer* buffer = own_view ? NULL : old;
  if (!dv_buffer_reserve(&buffer, bytes, &context->host)) {
    dv_text text = dv_text_begin(error, DV_MEMORY_ERROR);
    dv_put(&text, "no memory for input ");
    dv_put_quoted(&text, input->info->name);
    dv_put(&text, ": ");
    dv_put_integer(&text, bytes);
    dv_put(&text, " bytes");
    return dv_text_end(&text);
  }
  input->buffer = buffer;
  set(input, tensor, dv_buffer_data(buffer));
  const dv_tensor own = {
      input->data, tensor->device, tensor->ndim, tensor->dtype, input->shape, NULL, 0};
  dv_copy_tensor(&own, tensor);
  if (own_view) dv_buffer_release(old, &context->host);
  return DV_OK;
}

int32_t dv_set_input_zero_copy(dv_context* context, int32_t index, const dv_tensor* tensor,
                               dv_error* error) {
  dv_binding* input = NULL;
  int32_t code = find(context, index, tensor, &input, error);
  if (code == DV_OK) code = dv_check_zero_copy(DV_ROLE_INPUT, input, tensor, error);
  if (code != DV_OK) return code;
  set(input, tensor, dv_tensor_data(tensor));
  return DV_OK;
}

int32_t dv_get_input(dv_context* context, int32_t index, dv_tensor* view, dv_error* error) {
  dv_binding* input = NULL;
  const int32_t code = dv_find_binding(context, DV_ROLE_INPUT, index, &input, error);
  if (code != DV_OK) return code;
  if (!input->ready) {
    dv_text text = dv_text_begin(error, DV_STATE_ERROR);
    dv_put(&text, "input ");
    dv_put_quoted(&text, input->info->name);
    dv_put(&text, " is not set");
    return dv_text_end(&text);
  }
  dv_view(input, view);
  return DV_OK;
}
