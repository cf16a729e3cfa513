#include "executor/error_text.h"
#include "executor/tensor_check.h"

void dv_view(const dv_binding* binding, dv_tensor* view) {
  const int32_t ndim = binding->info->ndim;
  view->data = binding->data;
  view->device.type = DV_CPU;
  view->device.id = 0;
  view->ndim = ndim;
  view->dtype = binding->info->dtype;
  view->shape = ndim > 0 ? binding->shape : NULL;
  view->strides = ndim > 0 ? binding->strides : NULL;
  view->byte_offset = 0;
}

static int32_t check_params_set(const dv_context* context, dv_error* error) {
  if (context->weights || !context->model->prepare) return DV_OK;
  dv_text text = dv_text_begin(error, DV_STATE_ERROR);
  dv_put(&text, "model ");
  dv_put_quoted(&text, context->model->name);
  dv_put(&text,
         " has no params: its library was made with --no-params; call load_params first (dovetail "
         "run and bench: --params FILE)");
  return dv_text_end(&text);
}

static int32_t check_inputs_set(const dv_context* context, dv_error* error) {
  for (int32_t i = 0; i < context->model->num_inputs; ++i) {
    if (context->inputs[i].ready) continue;
    dv_text text = dv_text_begin(error, DV_STATE_ERROR);
    dv_put(&text, "input ");
    dv_put_quoted(&text, context->inputs[i].info->name);
    dv_put(&text, " is not set: set every input before run");
    return dv_text_end(&text);
  }
  return DV_OK;
}

static int dims_changed(const dv_context* context) {
  for (int32_t d = 0; d < context->model->num_dims; ++d) {
    if (context->dims[d] != context->bound[d]) return 1;
  }
  return 0;
}

static int32_t check_borrowed_outputs(const dv_context* context, dv_error* error) {
  for (int32_t i = 0; i < context->model->num_outputs; ++i) {
    const dv_binding* output = &context->outputs[i];
    if (!output->is_borrowed || output->data_dependent) continue;
    const int32_t code =
        dv_check_output_shape(output, output->borrowed_shape, "the memory set for it", error);
    if (code != DV_OK) return code;
  }
  return DV_OK;
}

/* A run that is refused leaves none, as one that fails in the middle; the way of those that succeed
 * stays as short as it was. */
static int32_t forget_results(dv_context* context, int32_t code) {
  for (int32_t i = 0; i < context->model->num_outputs; ++i) context->outputs[i].ready = 0;
  return code;
}

/* Status of a run that its observer ends; not the code of an error. */
enum { STOPPED = -1000 };

int32_t dovetail_observe(const dv_call* call, int64_t step) {
  const dv_observer* observer = call->observer;
  return observer->after_step(observer->self, call, (int32_t)step) ? STOPPED : 0;
}

static int32_t run(dv_context* context, const dv_observer* observer, dv_error* error) {
  if (!context) return dv_fail(error, DV_VALUE_ERROR, "the context is NULL");
  const dv_model* model = context->model;
  int32_t code = check_params_set(context, error);
  if (code == DV_OK) code = check_inputs_set(context, error);
  if (code == DV_OK) code = dv_bind_dims(context, error);
  if (code == DV_OK && (!context->laid_out || dims_changed(context))) {
    code = dv_lay_out(context, error);
  }
  if (code == DV_OK) code = check_borrowed_outputs(context, error);
  if (code == DV_OK) code = dv_reserve_outputs(context, error);
  if (code != DV_OK) return forget_results(context, code);

  for (int32_t i = 0; i < model->num_inputs; ++i) context->io[i] = context->inputs[i].data;
  for (int32_t i = 0; i < model->num_outputs; ++i) {
    dv_binding* output = &context->outputs[i];
    output->ready = 0;
    if (output->data_dependent) continue; /* dovetail_reserve_output */
    output->data = output->is_borrowed ? output->borrowed : dv_buffer_data(output->buffer);
    context->io[model->num_inputs + i] = output->data;
  }
  const dv_call call = {context->values,  context->io,    context->workspace,
                        context->weights, &context->host, context->reserved,
                        context,          observer};
  const dv_variant* variant = context->variant;
  context->error = error;
  const int32_t status = observer ? variant->run_observed(&call) : variant->run(&call);
  context->error = NULL;
  if (status == STOPPED) return DV_OK;
  code = dv_status(context, status, error);
  if (code != DV_OK) return code;
  for (int32_t i = 0; i < model->num_outputs; ++i) context->outputs[i].ready = 1;
  return DV_OK;
}

int32_t dv_run(dv_context* context, dv_error* error) { return run(context, NULL, error); }

int32_t dv_run_observed(dv_context* context, const dv_observer* observer, dv_error* error) {
  if (!observer || observer->size < sizeof(dv_observer) || !observer->after_step) {
    return dv_fail(
        error, DV_VALUE_ERROR,
        "the observer is NULL, its size is not sizeof(dv_observer) or its function NULL");
  }
  return run(context, observer, error);
}
