#include "executor/context.h"

#include "executor/copy.h"
#include "executor/cpu_features.h"
#include "executor/error_text.h"

/* The pieces of a context lie in one block of memory. Walked twice: with memory == NULL to find its
 * size, then to hand out addresses. */
typedef struct block {
  uint8_t* memory;
  int64_t used;
} block;

static void* take(block* b, int64_t count, int64_t element) {
  const int64_t at = b->used;
  b->used += (count * element + 7) / 8 * 8;
  return b->memory ? b->memory + at : NULL;
}

static void place_bindings(block* b, dv_binding* bindings, const dv_tensor_info* infos,
                           int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    int64_t* extents = take(b, 3 * (int64_t)infos[i].ndim, sizeof(int64_t));
    if (!bindings) continue;
    bindings[i].info = &infos[i];
    bindings[i].shape = extents;
    bindings[i].strides = extents + infos[i].ndim;
    bindings[i].borrowed_shape = extents + 2 * (int64_t)infos[i].ndim;
    for (int32_t axis = 0; axis < infos[i].ndim; ++axis) {
      if (infos[i].shape[axis].symbol == DV_DATA_DEPENDENT) bindings[i].data_dependent = 1;
    }
  }
}

static dv_context* place(block* b, const dv_model* model, const dv_variant* variant) {
  const int64_t tensors = (int64_t)model->num_inputs + model->num_outputs;
  dv_context* context = take(b, 1, sizeof(dv_context));
  dv_binding* bindings = take(b, tensors, sizeof(dv_binding));
  int64_t* extents = take(b, 2 * (int64_t)model->num_dims, sizeof(int64_t));
  int64_t* values = take(b, variant->num_values, sizeof(int64_t));
  void** io = take(b, tensors, sizeof(void*));
  uint8_t** reserved = take(b, variant->num_reserved, sizeof(uint8_t*));
  int64_t* capacities = take(b, variant->num_reserved, sizeof(int64_t));
  dv_binding* outputs = bindings ? bindings + model->num_inputs : NULL;
  place_bindings(b, bindings, model->inputs, model->num_inputs);
  place_bindings(b, outputs, model->outputs, model->num_outputs);
  if (!context) return NULL;
  context->model = model;
  context->variant = variant;
  context->inputs = bindings;
  context->outputs = outputs;
  context->dims = extents;
  context->bound = extents + model->num_dims;
  context->values = values;
  context->io = io;
  context->reserved = reserved;
  context->capacities = capacities;
  return context;
}

int32_t dv_check_host(const dv_host* host, dv_error* error) {
  if (!host) return dv_fail(error, DV_VALUE_ERROR, "the host is NULL");
  if (host->size < sizeof(dv_host)) {
    dv_text text = dv_text_begin(error, DV_VALUE_ERROR);
    dv_put(&text, "the host's size is ");
    dv_put_integer(&text, host->size);
    dv_put(&text, ", expected at least ");
    dv_put_integer(&text, sizeof(dv_host));
    dv_put(&text, "; set it to sizeof(dv_host)");
    return dv_text_end(&text);
  }
  if (!host->alloc || !host->free) {
    return dv_fail(error, DV_MEMORY_ERROR,
                   "the host offers no memory: its alloc and free must both be set");
  }
  return DV_OK;
}

static int32_t check_model(const dv_model* model, dv_error* error) {
  if (!model) return dv_fail(error, DV_VALUE_ERROR, "the model is NULL");
  if (model->size >= sizeof(dv_model) && model->library->abi_version == DV_ABI_VERSION) {
    return DV_OK;
  }
  dv_text text = dv_text_begin(error, DV_RUNTIME_ERROR);
  dv_put(&text, "the model's descriptor has ABI version ");
  dv_put_integer(&text, model->size >= sizeof(dv_model) ? model->library->abi_version : 0);
  dv_put(&text, ", expected ");
  dv_put_integer(&text, DV_ABI_VERSION);
  dv_put(&text, "; create its context through its own library");
  return dv_text_end(&text);
}

int32_t dv_create(const dv_model* model, const dv_host* host, dv_context** context,
                  dv_error* error) {
  if (!context) return dv_fail(error, DV_VALUE_ERROR, "there is no place for the context: NULL");
  *context = NULL;
  int32_t code = dv_check_host(host, error);
  if (code == DV_OK) code = check_model(model, error);
  if (code != DV_OK) return code;
  const dv_variant* variant = dv_choose_variant(model, host, error);
  if (!variant) return DV_RUNTIME_ERROR;

  block sizes = {NULL, 0};
  place(&sizes, model, variant);
  block memory = {dv_allocate(host, sizes.used), 0};
  if (!memory.memory) {
    dv_text text = dv_text_begin(error, DV_MEMORY_ERROR);
    dv_put(&text, "no memory for a context of model ");
    dv_put_quoted(&text, model->name);
    dv_put(&text, ": ");
    dv_put_integer(&text, sizes.used);
    dv_put(&text, " bytes");
    return dv_text_end(&text);
  }
  dv_clear_bytes(memory.memory, sizes.used);
  dv_context* made = place(&memory, model, variant);
  made->host = *host;
  made->host.size = sizeof(dv_host);
  made->weights = model->prepare ? NULL : model->library->weights;
  if (model->num_dims == 0) { /* no extent depends on inputs */
    code = dv_lay_out(made, error);
    if (code == DV_OK) code = dv_reserve_outputs(made, error);
    if (code != DV_OK) {
      dv_destroy(made);
      return code;
    }
  }
  *context = made;
  return DV_OK;
}

static void release_bindings(dv_binding* bindings, int32_t count, const dv_host* host) {
  for (int32_t i = 0; i < count; ++i) dv_buffer_release(bindings[i].buffer, host);
}

void dv_destroy(dv_context* context) {
  if (!context) return;
  const dv_host host = context->host;
  release_bindings(context->inputs, context->model->num_inputs, &host);
  release_bindings(context->outputs, context->model->num_outputs, &host);
  for (int32_t i = 0; i < context->variant->num_reserved; ++i) {
    if (context->reserved[i]) host.free(host.self, context->reserved[i]);
  }
  if (context->workspace) host.free(host.self, context->workspace);
  host.free(host.self, context);
}

const dv_model* dv_model_of(const dv_context* context) { return context ? context->model : NULL; }

const dv_variant* dv_variant_of(const dv_context* context) {
  return context ? context->variant : NULL;
}
