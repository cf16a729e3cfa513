#include "executor/copy.h"
#include "executor/error_text.h"
#include "executor/tensor_check.h"

int32_t dv_set_output_zero_copy(dv_context* context, int32_t index, const dv_tensor* tensor,
                                dv_error* error) {
  dv_binding* output = NULL;
  int32_t code = dv_find_binding(context, DV_ROLE_OUTPUT, index, &output, error);
  if (code != DV_OK) return code;
  if (tensor) {
    code = dv_check_tensor(context->model, DV_ROLE_OUTPUT, output->info, tensor, error);
    if (code == DV_OK) code = dv_check_zero_copy(DV_ROLE_OUTPUT, output, tensor, error);
    if (code != DV_OK) return code;
    for (int32_t axis = 0; axis < tensor->ndim; ++axis) {
      output->borrowed_shape[axis] = tensor->shape[axis];
    }
  }
  output->is_borrowed = tensor != NULL;
  output->borrowed = tensor ? dv_tensor_data(tensor) : NULL;
  output->ready = 0;
  return DV_OK;
}

static int32_t find_result(dv_context* context, int32_t index, dv_binding** output,
                           dv_error* error) {
  const int32_t code = dv_find_binding(context, DV_ROLE_OUTPUT, index, output, error);
  if (code != DV_OK || (*output)->ready) return code;
  dv_text text = dv_text_begin(error, DV_STATE_ERROR);
  dv_put(&text, "output ");
  dv_put_quoted(&text, (*output)->info->name);
  dv_put(&text, " holds no result yet: call run first");
  return dv_text_end(&text);
}

int32_t dv_get_output(dv_context* context, int32_t index, dv_tensor* view, dv_error* error) {
  dv_binding* output = NULL;
  const int32_t code = find_result(context, index, &output, error);
  if (code == DV_OK) dv_view(output, view);
  return code;
}

int32_t dv_copy_output(dv_context* context, int32_t index, const dv_tensor* tensor,
                       dv_error* error) {
  dv_binding* output = NULL;
  int32_t code = find_result(context, index, &output, error);
  if (code == DV_OK) {
    code = dv_check_tensor(context->model, DV_ROLE_OUTPUT, output->info, tensor, error);
  }
  if (code == DV_OK) {
    code = dv_check_output_shape(output, tensor->shape, "the tensor to copy it to", error);
  }
  if (code != DV_OK) return code;
  dv_tensor result;
  dv_view(output, &result);
  const int is_itself = dv_tensor_data(tensor) == output->data && dv_is_compact(tensor);
  if (!is_itself && dv_overlaps(tensor, output->data, output->bytes)) {
    dv_text text = dv_text_begin(error, DV_VALUE_ERROR);
    dv_put(&text, "the tensor to copy output ");
    dv_put_quoted(&text, output->info->name);
    dv_put(&text, " to lies in the output's own memory");
    return dv_text_end(&text);
  }
  if (!is_itself) dv_copy_tensor(tensor, &result);
  return DV_OK;
}
