#include "executor/tensor_check.h"

#include "executor/copy.h"

dv_text dv_begin_tensor(dv_error* error, int32_t code, dv_role role, const dv_tensor_info* info) {
  static const char* const roles[] = {"input ", "output ", "param ", "frozen value "};
  dv_text text = dv_text_begin(error, code);
  dv_put(&text, roles[role]);
  dv_put_quoted(&text, info->name);
  return text;
}

static int32_t no_such_index(const dv_model* model, dv_role role, int32_t index, dv_error* error) {
  const int is_input = role == DV_ROLE_INPUT;
  const int32_t count = is_input ? model->num_inputs : model->num_outputs;
  dv_text text = dv_text_begin(error, DV_KEY_ERROR);
  dv_put(&text, "model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, is_input ? " has no input " : " has no output ");
  dv_put_integer(&text, index);
  dv_put(&text, is_input ? "; its inputs are " : "; its outputs are ");
  if (count == 0) dv_put(&text, "none");
  dv_put_names(&text, is_input ? model->inputs : model->outputs, count);
  return dv_text_end(&text);
}

int32_t dv_find_binding(dv_context* context, dv_role role, int32_t index, dv_binding** binding,
                        dv_error* error) {
  if (!context) return dv_fail(error, DV_VALUE_ERROR, "the context is NULL");
  const dv_model* model = context->model;
  const int is_input = role == DV_ROLE_INPUT;
  if (index < 0 || index >= (is_input ? model->num_inputs : model->num_outputs)) {
    return no_such_index(model, role, index, error);
  }
  *binding = &(is_input ? context->inputs : context->outputs)[index];
  return DV_OK;
}

static int32_t wrong_device(dv_role role, const dv_tensor_info* info, dv_device device,
                            dv_error* error) {
  dv_text text = dv_begin_tensor(error, DV_VALUE_ERROR, role, info);
  dv_put(&text, " is on a device of type ");
  dv_put_integer(&text, device.type);
  dv_put(&text, ", expected the CPU (type 1)");
  return dv_text_end(&text);
}

static int32_t wrong_dtype(dv_role role, const dv_tensor_info* info, dv_dtype dtype,
                           dv_error* error) {
  dv_text text = dv_begin_tensor(error, DV_TYPE_ERROR, role, info);
  dv_put(&text, " has dtype ");
  dv_put_dtype(&text, dtype);
  dv_put(&text, ", expected ");
  dv_put_dtype(&text, info->dtype);
  return dv_text_end(&text);
}

static int32_t wrong_shape(dv_role role, const dv_tensor_info* info, const dv_tensor* tensor,
                           dv_error* error) {
  dv_text text = dv_begin_tensor(error, DV_VALUE_ERROR, role, info);
  dv_put(&text, " has shape ");
  dv_put_shape(&text, tensor->shape, tensor->ndim);
  dv_put(&text, ", expected ");
  dv_put_dims(&text, info->shape, info->ndim);
  return dv_text_end(&text);
}

static int32_t out_of_bounds(const dv_symbol* symbol, const dv_tensor_info* info, int32_t axis,
                             int64_t extent, dv_error* error) {
  dv_text text = dv_text_begin(error, DV_VALUE_ERROR);
  dv_put(&text, "dim ");
  dv_put_quoted(&text, symbol->name);
  dv_put(&text, " is ");
  dv_put_integer(&text, extent);
  dv_put(&text, " in input ");
  dv_put_quoted(&text, info->name);
  dv_put(&text, " (axis ");
  dv_put_integer(&text, axis);
  dv_put(&text, "); this library was built for ");
  dv_put_integer(&text, symbol->min);
  if (symbol->max == INT64_MAX) {
    dv_put(&text, " and more");
  } else {
    dv_put(&text, "..");
    dv_put_integer(&text, symbol->max);
  }
  return dv_text_end(&text);
}

static int32_t check_extents(const dv_model* model, dv_role role, const dv_tensor_info* info,
                             const dv_tensor* tensor, dv_error* error) {
  if (tensor->ndim != info->ndim) return wrong_shape(role, info, tensor, error);
  for (int32_t axis = 0; axis < info->ndim; ++axis) {
    const dv_dim* dim = &info->shape[axis];
    const int64_t extent = tensor->shape[axis];
    if (dim->value >= 0 ? extent != dim->value : extent < 0) {
      return wrong_shape(role, info, tensor, error);
    }
  }
  for (int32_t axis = 0; axis < info->ndim && role == DV_ROLE_INPUT; ++axis) {
    const int32_t index = info->shape[axis].symbol;
    if (index < 0) continue;
    const dv_symbol* symbol = &model->dims[index];
    const int64_t extent = tensor->shape[axis];
    if (extent < symbol->min || extent > symbol->max) {
      return out_of_bounds(symbol, info, axis, extent, error);
    }
  }
  return DV_OK;
}

static int same_dtype(dv_dtype a, dv_dtype b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

int32_t dv_check_tensor(const dv_model* model, dv_role role, const dv_tensor_info* info,
                        const dv_tensor* tensor, dv_error* error) {
  if (!tensor || tensor->ndim < 0 || (tensor->ndim > 0 && !tensor->shape)) {
    dv_text text = dv_begin_tensor(error, DV_VALUE_ERROR, role, info);
    dv_put(&text, tensor ? " is a tensor without a shape" : " is NULL, expected a tensor");
    return dv_text_end(&text);
  }
  if (tensor->device.type != DV_CPU) return wrong_device(role, info, tensor->device, error);
  if (!same_dtype(tensor->dtype, info->dtype)) {
    return wrong_dtype(role, info, tensor->dtype, error);
  }
  const int32_t code = check_extents(model, role, info, tensor, error);
  if (code != DV_OK) return code;
  const int64_t bytes = dv_compact_size(tensor->shape, tensor->ndim, tensor->dtype);
  if (bytes < 0) {
    dv_text text = dv_begin_tensor(error, DV_MEMORY_ERROR, role, info);
    dv_put(&text, " of shape ");
    dv_put_shape(&text, tensor->shape, tensor->ndim);
    dv_put(&text, " is too large: its size in bytes exceeds 64 bits");
    return dv_text_end(&text);
  }
  if (bytes > 0 && !tensor->data) {
    dv_text text = dv_begin_tensor(error, DV_VALUE_ERROR, role, info);
    dv_put(&text, " has no data: its pointer is NULL");
    return dv_text_end(&text);
  }
  return DV_OK;
}

int32_t dv_check_zero_copy(dv_role role, const dv_binding* binding, const dv_tensor* tensor,
                           dv_error* error) {
  if (!dv_is_compact(tensor)) {
    dv_text text = dv_begin_tensor(error, DV_VALUE_ERROR, role, binding->info);
    dv_put(&text, " has shape ");
    dv_put_shape(&text, tensor->shape, tensor->ndim);
    dv_put(&text, " and strides ");
    dv_put_shape(&text, tensor->strides, tensor->ndim);
    dv_put(&text, "; without a copy it must be compact and row-major");
    return dv_text_end(&text);
  }
  const int64_t element = dv_element_size(tensor->dtype);
  if ((uintptr_t)dv_tensor_data(tensor) % (uintptr_t)element != 0) {
    dv_text text = dv_begin_tensor(error, DV_VALUE_ERROR, role, binding->info);
    dv_put(&text, " lies at an address that is no multiple of ");
    dv_put_integer(&text, element);
    dv_put(&text, ", the size of its element; without a copy it must");
    return dv_text_end(&text);
  }
  return DV_OK;
}

int32_t dv_check_output_shape(const dv_binding* output, const int64_t* shape, const char* what,
                              dv_error* error) {
  const int32_t ndim = output->info->ndim;
  int32_t axis = 0;
  while (axis < ndim && shape[axis] == output->shape[axis]) ++axis;
  if (axis == ndim) return DV_OK;
  dv_text text = dv_begin_tensor(error, DV_VALUE_ERROR, DV_ROLE_OUTPUT, output->info);
  dv_put(&text, " has shape ");
  dv_put_shape(&text, output->shape, ndim);
  dv_put(&text, ", but ");
  dv_put(&text, what);
  dv_put(&text, " has shape ");
  dv_put_shape(&text, shape, ndim);
  return dv_text_end(&text);
}
