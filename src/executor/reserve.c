/* Memory whose size is known only while a model runs. */
#include "executor/context.h"
#include "executor/copy.h"
#include "executor/error_text.h"
#include "executor/tensor_check.h"

static int32_t no_memory(const dv_context* context, int64_t bytes) {
  dv_text text = dv_text_begin(context->error, DV_MEMORY_ERROR);
  dv_put(&text, "no memory for the data-dependent tensors of model ");
  dv_put_quoted(&text, context->model->name);
  dv_put(&text, ": ");
  dv_put_integer(&text, bytes);
  dv_put(&text, " bytes");
  return -dv_text_end(&text);
}

int32_t dovetail_reserve(const dv_call* call, int64_t index, int64_t bytes) {
  dv_context* context = call->context;
  if (context->reserved[index] && bytes >= 0 && bytes <= context->capacities[index]) return 0;
  uint8_t* memory = dv_allocate(&context->host, bytes);
  if (!memory) return no_memory(context, bytes);
  if (context->reserved[index]) context->host.free(context->host.self, context->reserved[index]);
  context->reserved[index] = memory;
  context->capacities[index] = bytes;
  return 0;
}

int32_t dovetail_grow(const dv_call* call, int64_t index, int64_t bytes) {
  dv_context* context = call->context;
  const int64_t capacity = context->capacities[index];
  if (context->reserved[index] && bytes >= 0 && bytes <= capacity) return 0;
  const int64_t larger = capacity < INT64_MAX / 2 && bytes < 2 * capacity ? 2 * capacity : bytes;
  uint8_t* memory = bytes < 0 ? NULL : dv_allocate(&context->host, larger);
  if (!memory) return no_memory(context, bytes);
  if (context->reserved[index]) {
    dv_copy_bytes(memory, context->reserved[index], capacity);
    context->host.free(context->host.self, context->reserved[index]);
  }
  context->reserved[index] = memory;
  context->capacities[index] = larger;
  return 0;
}

int32_t dovetail_reserve_output(const dv_call* call, int64_t index) {
  dv_context* context = call->context;
  dv_binding* output = &context->outputs[index];
  int32_t code = dv_shape_output(context, output, context->error);
  if (code == DV_OK && output->is_borrowed) {
    code = dv_check_output_shape(output, output->borrowed_shape, "the memory set for it",
                                 context->error);
  } else if (code == DV_OK && !dv_buffer_reserve(&output->buffer, output->bytes, &context->host)) {
    code = dv_no_memory(context, output->info, output->bytes, context->error);
  }
  if (code != DV_OK) return -code;
  output->data = output->is_borrowed ? output->borrowed : dv_buffer_data(output->buffer);
  call->io[context->model->num_inputs + index] = output->data;
  return 0;
}
