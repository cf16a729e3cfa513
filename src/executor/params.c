/* Params of a model whose library does not package them: what the caller gives is checked as a
 * whole, then the library's own code prepares it. */
#include "executor/copy.h"
#include "executor/error_text.h"
#include "executor/tensor_check.h"

int32_t dv_check_loadable(const dv_model* model, dv_error* error) {
  if (!model) return dv_fail(error, DV_VALUE_ERROR, "the model is NULL");
  if (model->prepare) return DV_OK;
  dv_text text = dv_text_begin(error, DV_STATE_ERROR);
  dv_put(&text, "model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, model->num_params == 0
                    ? " has no params: there is nothing to load"
                    : " has its params in its library; to load others, build it with --no-params");
  return dv_text_end(&text);
}

/* Whether the tensor's elements, in row-major order, are these bytes. */
static int has_bytes(const dv_tensor* tensor, const uint8_t* expected) {
  const int64_t element = dv_element_size(tensor->dtype);
  const int64_t bytes = dv_compact_size(tensor->shape, tensor->ndim, tensor->dtype);
  for (int64_t at = 0; at < bytes; at += element) {
    int64_t rest = at / element;
    int64_t place = 0; /* elements */
    int64_t compact = 1;
    for (int32_t axis = tensor->ndim; axis-- > 0;) {
      const int64_t stride = tensor->strides ? tensor->strides[axis] : compact;
      place += rest % tensor->shape[axis] * stride;
      rest /= tensor->shape[axis];
      compact *= tensor->shape[axis];
    }
    for (int64_t byte = 0; byte < element; ++byte) {
      if (dv_tensor_data(tensor)[place * element + byte] != expected[at + byte]) return 0;
    }
  }
  return 1;
}

static int32_t check_param(const dv_tensor_info* info, const dv_tensor* tensor, dv_error* fault) {
  if (tensor) return dv_check_tensor(NULL, DV_ROLE_PARAM, info, tensor, fault);
  dv_text text = dv_begin_tensor(fault, DV_VALUE_ERROR, DV_ROLE_PARAM, info);
  dv_put(&text, " is missing");
  return dv_text_end(&text);
}

static int32_t check_frozen(const dv_tensor_info* info, const dv_tensor* tensor,
                            const uint8_t* expected, dv_error* fault) {
  if (!tensor) return DV_OK;
  const int32_t code = dv_check_tensor(NULL, DV_ROLE_FROZEN, info, tensor, fault);
  if (code != DV_OK || has_bytes(tensor, expected)) return code;
  dv_text text = dv_begin_tensor(fault, DV_VALUE_ERROR, DV_ROLE_FROZEN, info);
  dv_put(&text, " is another than the one that shaped the library's code; build it anew");
  return dv_text_end(&text);
}

int32_t dv_check_params(const dv_model* model, const dv_tensor* const* tensors, int32_t* next,
                        dv_error* fault) {
  int32_t code = dv_check_loadable(model, fault);
  if (code != DV_OK) return code;
  const int32_t count = model->num_params + model->num_frozen;
  while (*next < count && code == DV_OK) {
    const dv_tensor* tensor = tensors[*next];
    const int32_t frozen = *next - model->num_params;
    code = frozen < 0 ? check_param(&model->params[*next], tensor, fault)
                      : check_frozen(&model->frozen[frozen], tensor, model->prepare->frozen[frozen],
                                     fault);
    ++*next;
  }
  return code;
}

/* All faults in one error, as far as there is room. */
static int32_t refuse_faults(const dv_model* model, const dv_tensor* const* tensors,
                             dv_error* error) {
  enum { COUNT_ROOM = 32 }; /* "; and 1234567890 more" */
  dv_error fault;
  int32_t next = 0;
  int32_t left_out = 0;
  int32_t code = dv_check_params(model, tensors, &next, &fault);
  if (code == DV_OK) return DV_OK;
  dv_text text = dv_text_begin(error, code == DV_STATE_ERROR ? code : DV_VALUE_ERROR);
  dv_put(&text, fault.message);
  while (code != DV_STATE_ERROR && dv_check_params(model, tensors, &next, &fault) != DV_OK) {
    int32_t length = 0;
    while (fault.message[length]) ++length;
    if (left_out || text.length + length + COUNT_ROOM > (int32_t)sizeof(fault.message)) {
      ++left_out;
    } else {
      dv_put(&text, "; ");
      dv_put(&text, fault.message);
    }
  }
  if (left_out) {
    dv_put(&text, "; and ");
    dv_put_integer(&text, left_out);
    dv_put(&text, " more");
  }
  return dv_text_end(&text);
}

static int32_t check_weights(const uint8_t* weights, dv_error* error) {
  if (weights && (uintptr_t)weights % DV_ALIGNMENT == 0) return DV_OK;
  dv_text text = dv_text_begin(error, DV_VALUE_ERROR);
  dv_put(&text, "the memory of the prepared params ");
  dv_put(&text, weights ? "lies at an address that is no multiple of " : "is NULL, expected ");
  if (weights) {
    dv_put_integer(&text, DV_ALIGNMENT);
  } else {
    dv_put(&text, "an address");
  }
  return dv_text_end(&text);
}

static int64_t aligned(int64_t bytes) {
  return (bytes + DV_ALIGNMENT - 1) / DV_ALIGNMENT * DV_ALIGNMENT;
}

/* The bytes of a compact copy, 0 when the code can read the tensor where it lies. */
static int64_t copy_size(const dv_tensor* tensor) {
  const uintptr_t element = (uintptr_t)dv_element_size(tensor->dtype);
  if (dv_is_compact(tensor) && (uintptr_t)dv_tensor_data(tensor) % element == 0) return 0;
  return aligned(dv_compact_size(tensor->shape, tensor->ndim, tensor->dtype));
}

/* Fills io; copies go to `copies`, which has room for them. */
static void fill_io(const dv_model* model, const dv_tensor* const* tensors, uint8_t* copies,
                    void** io) {
  for (int32_t i = 0; i < model->num_params; ++i) {
    const int64_t size = copy_size(tensors[i]);
    io[i] = dv_tensor_data(tensors[i]);
    if (size == 0) continue;
    dv_tensor copy = *tensors[i];
    copy.data = copies;
    copy.strides = NULL;
    copy.byte_offset = 0;
    dv_copy_tensor(&copy, tensors[i]);
    io[i] = copies;
    copies += size;
  }
  for (int32_t i = 0; i < model->prepare->num_constants; ++i) {
    io[model->num_params + i] = (void*)(uintptr_t)model->prepare->constants[i];
  }
}

static int32_t no_memory(const dv_model* model, int64_t bytes, dv_error* error) {
  dv_text text = dv_text_begin(error, DV_MEMORY_ERROR);
  dv_put(&text, "no memory to prepare the params of model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, ": ");
  dv_put_integer(&text, bytes);
  dv_put(&text, " bytes");
  return dv_text_end(&text);
}

int32_t dv_prepare_params(const dv_model* model, const dv_host* host,
                          const dv_tensor* const* tensors, uint8_t* weights, dv_error* error) {
  int32_t code = dv_check_host(host, error);
  if (code == DV_OK) code = dv_check_loadable(model, error);
  if (code == DV_OK) code = check_weights(weights, error);
  if (code == DV_OK) code = refuse_faults(model, tensors, error);
  if (code != DV_OK) return code;
  /* One block: values, io, copies; the size of the workspace is known after layout. */
  const dv_prepare* prepare = model->prepare;
  const int64_t pointers = (int64_t)model->num_params + prepare->num_constants;
  const int64_t values_size = aligned(prepare->num_values * (int64_t)sizeof(int64_t));
  const int64_t io_size = aligned(pointers * (int64_t)sizeof(void*));
  int64_t bytes = values_size + io_size;
  for (int32_t i = 0; i < model->num_params; ++i) bytes += copy_size(tensors[i]);
  uint8_t* block = dv_allocate(host, bytes);
  if (!block) return no_memory(model, bytes, error);
  int64_t* values = (int64_t*)(void*)block;
  void** io = (void**)(void*)(block + values_size);
  fill_io(model, tensors, block + values_size + io_size, io);
  prepare->layout(NULL, dv_workers(host), values);
  uint8_t* workspace = dv_allocate(host, values[DV_VALUE_WORKSPACE]);
  if (workspace) {
    const dv_call call = {values, io, workspace, weights, host, NULL, NULL, NULL};
    prepare->run(&call);
    host->free(host->self, workspace);
  } else {
    code = no_memory(model, values[DV_VALUE_WORKSPACE], error);
  }
  host->free(host->self, block);
  return code;
}

int32_t dv_set_params(dv_context* context, const uint8_t* weights, dv_error* error) {
  if (!context) return dv_fail(error, DV_VALUE_ERROR, "the context is NULL");
  int32_t code = dv_check_loadable(context->model, error);
  if (code == DV_OK) code = check_weights(weights, error);
  if (code == DV_OK) context->weights = weights;
  return code;
}
