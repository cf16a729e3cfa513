/* From the extents of the inputs to those of everything else. */
#include "executor/context.h"
#include "executor/copy.h"
#include "executor/error_text.h"

/* Which input and axis gave a symbol its extent first; looked for again only to word an error. */
static void put_first_use(dv_text* text, const dv_context* context, int32_t symbol) {
  for (int32_t i = 0; i < context->model->num_inputs; ++i) {
    const dv_binding* input = &context->inputs[i];
    for (int32_t axis = 0; axis < input->info->ndim; ++axis) {
      if (input->info->shape[axis].symbol != symbol) continue;
      dv_put(text, " in input ");
      dv_put_quoted(text, input->info->name);
      dv_put(text, " (axis ");
      dv_put_integer(text, axis);
      dv_put(text, ")");
      return;
    }
  }
}

static int32_t disagree(const dv_context* context, const dv_binding* input, int32_t axis,
                        dv_error* error) {
  const int32_t symbol = input->info->shape[axis].symbol;
  dv_text text = dv_text_begin(error, DV_VALUE_ERROR);
  dv_put(&text, "dim ");
  dv_put_quoted(&text, context->model->dims[symbol].name);
  dv_put(&text, " is ");
  dv_put_integer(&text, context->bound[symbol]);
  put_first_use(&text, context, symbol);
  dv_put(&text, " but ");
  dv_put_integer(&text, input->shape[axis]);
  dv_put(&text, " in input ");
  dv_put_quoted(&text, input->info->name);
  dv_put(&text, " (axis ");
  dv_put_integer(&text, axis);
  dv_put(&text, ")");
  return dv_text_end(&text);
}

int32_t dv_bind_dims(dv_context* context, dv_error* error) {
  for (int32_t d = 0; d < context->model->num_dims; ++d) context->bound[d] = -1;
  for (int32_t i = 0; i < context->model->num_inputs; ++i) {
    const dv_binding* input = &context->inputs[i];
    for (int32_t axis = 0; axis < input->info->ndim; ++axis) {
      const int32_t symbol = input->info->shape[axis].symbol;
      if (symbol < 0) continue;
      const int64_t extent = input->shape[axis];
      if (context->bound[symbol] < 0) context->bound[symbol] = extent;
      if (context->bound[symbol] != extent) return disagree(context, input, axis, error);
    }
  }
  return DV_OK;
}

int32_t dv_no_memory(const dv_context* context, const dv_tensor_info* output, int64_t bytes,
                     dv_error* error) {
  dv_text text = dv_text_begin(error, DV_MEMORY_ERROR);
  dv_put(&text, "no memory for ");
  dv_put(&text, output ? "output " : "the workspace of model ");
  dv_put_quoted(&text, output ? output->name : context->model->name);
  dv_put(&text, ": ");
  if (bytes < 0) {
    dv_put(&text, "its size in bytes exceeds 64 bits");
  } else {
    dv_put_integer(&text, bytes);
    dv_put(&text, " bytes");
  }
  return dv_text_end(&text);
}

static int32_t reserve_workspace(dv_context* context, dv_error* error) {
  const int64_t bytes = context->values[DV_VALUE_WORKSPACE];
  if (bytes >= 0 && bytes <= context->workspace_capacity) return DV_OK;
  uint8_t* grown = dv_allocate(&context->host, bytes);
  if (!grown) return dv_no_memory(context, NULL, bytes, error);
  if (context->workspace) context->host.free(context->host.self, context->workspace);
  context->workspace = grown;
  context->workspace_capacity = bytes;
  return DV_OK;
}

static int32_t too_small(const dv_binding* output, dv_error* error) {
  dv_text text = dv_text_begin(error, DV_VALUE_ERROR);
  dv_put(&text, "the inputs are too small: output ");
  dv_put_quoted(&text, output->info->name);
  dv_put(&text, " would have shape ");
  dv_put_shape(&text, output->shape, output->info->ndim);
  return dv_text_end(&text);
}

int32_t dv_shape_output(const dv_context* context, dv_binding* output, dv_error* error) {
  const dv_tensor_info* info = output->info;
  int negative = 0;
  for (int32_t axis = 0; axis < info->ndim; ++axis) {
    const dv_dim* dim = &info->shape[axis];
    output->shape[axis] = dim->value >= 0 ? dim->value : context->values[dim->slot];
    negative |= output->shape[axis] < 0;
  }
  if (negative) return too_small(output, error);
  output->bytes = dv_compact_size(output->shape, info->ndim, info->dtype);
  if (output->bytes < 0) return dv_no_memory(context, info, output->bytes, error);
  dv_compact_strides(output->shape, info->ndim, output->strides);
  return DV_OK;
}

int32_t dv_reserve_outputs(dv_context* context, dv_error* error) {
  for (int32_t i = 0; i < context->model->num_outputs; ++i) {
    dv_binding* output = &context->outputs[i];
    if (output->is_borrowed || output->data_dependent) continue;
    if (!dv_buffer_reserve(&output->buffer, output->bytes, &context->host)) {
      return dv_no_memory(context, output->info, output->bytes, error);
    }
  }
  return DV_OK;
}

int32_t dv_workers(const dv_host* host) {
  return host->parallel_for && host->max_workers > 1 ? host->max_workers : 1;
}

int32_t dv_lay_out(dv_context* context, dv_error* error) {
  const dv_model* model = context->model;
  const int32_t workers = dv_workers(&context->host);
  context->laid_out = 0;
  for (int32_t d = 0; d < model->num_dims; ++d) context->dims[d] = context->bound[d];
  int32_t code =
      dv_status(context, context->variant->layout(context->dims, workers, context->values), error);
  if (code == DV_OK) code = reserve_workspace(context, error);
  for (int32_t i = 0; i < model->num_outputs && code == DV_OK; ++i) {
    if (context->outputs[i].data_dependent) continue;
    code = dv_shape_output(context, &context->outputs[i], error);
  }
  context->laid_out = code == DV_OK;
  return code;
}
