/* What one caller of a model has: the tensors it gave, the memory it computes in, and the extents
 * that both were made for. */
#ifndef DOVETAIL_EXECUTOR_CONTEXT_H_
#define DOVETAIL_EXECUTOR_CONTEXT_H_

#include <dovetail/abi.h>

#include "executor/buffer.h"

/* An input or an output. `shape` and `strides` have info->ndim entries. */
typedef struct dv_binding {
  const dv_tensor_info* info;
  dv_buffer* buffer; /* the context's own memory; NULL before it is first needed */
  uint8_t* borrowed; /* outputs: the caller's memory, used instead when is_borrowed */
  uint8_t* data;     /* what the next or last run reads or writes */
  int64_t bytes;     /* outputs: of a compact tensor of this shape */
  int64_t* shape;
  int64_t* strides;
  int64_t* borrowed_shape; /* outputs: the extents of the caller's memory */
  int32_t is_borrowed;     /* (an empty tensor's memory may be NULL) */
  int32_t data_dependent;  /* outputs: run finds the shape */
  int32_t ready;           /* inputs: set; outputs: `data` holds the result of the last run */
} dv_binding;

struct dv_context {
  dv_host host;
  const dv_model* model;
  const dv_variant* variant;
  dv_binding* inputs;
  dv_binding* outputs;
  int64_t* dims;   /* the extents that `values` and the outputs' shapes were made for */
  int64_t* bound;  /* the extents of the inputs that are set */
  int64_t* values; /* as written by variant->layout and run */
  void** io;
  uint8_t** reserved; /* buffers whose sizes depend on data, and how large they are */
  int64_t* capacities;
  dv_error* error;        /* of the run under way */
  const uint8_t* weights; /* prepared params; NULL: none are loaded */
  uint8_t* workspace;
  int64_t workspace_capacity;
  int32_t laid_out; /* dims, values, workspace and the outputs' shapes agree */
};

/* Runs variant->layout for the extents in context->bound, shapes the outputs and makes the
 * workspace fit. */
int32_t dv_lay_out(dv_context* context, dv_error* error);

/* Makes the own memory of every output that is not borrowed fit its shape. */
int32_t dv_reserve_outputs(dv_context* context, dv_error* error);

/* Shapes an output by the extents in context->values. */
int32_t dv_shape_output(const dv_context* context, dv_binding* output, dv_error* error);

/* Whether its memory could not be had: `output` is NULL for the workspace. */
int32_t dv_no_memory(const dv_context* context, const dv_tensor_info* output, int64_t bytes,
                     dv_error* error);

/* What the status of layout or run means: DV_OK, or a code with its error written. */
int32_t dv_status(const dv_context* context, int32_t status, dv_error* error);

/* Whether the host can be used. */
int32_t dv_check_host(const dv_host* host, dv_error* error);

/* Whether the model's params are ones to load: its library does not package them. */
int32_t dv_check_loadable(const dv_model* model, dv_error* error);

/* The number of workers that its parallel_for may use. */
int32_t dv_workers(const dv_host* host);

/* Finds the extent of every symbol in the inputs, which are all set, and writes context->bound. */
int32_t dv_bind_dims(dv_context* context, dv_error* error);

/* The tensor as its owner sees it: compact, in the memory that it lies in now. */
void dv_view(const dv_binding* binding, dv_tensor* view);

/* The functions of dv_api, documented in abi.h. */
int32_t dv_create(const dv_model* model, const dv_host* host, dv_context** context,
                  dv_error* error);
void dv_destroy(dv_context* context);
const dv_model* dv_model_of(const dv_context* context);
const dv_variant* dv_variant_of(const dv_context* context);
int32_t dv_set_input(dv_context* context, int32_t index, const dv_tensor* tensor, dv_error* error);
int32_t dv_set_input_zero_copy(dv_context* context, int32_t index, const dv_tensor* tensor,
                               dv_error* error);
int32_t dv_set_output_zero_copy(dv_context* context, int32_t index, const dv_tensor* tensor,
                                dv_error* error);
int32_t dv_run(dv_context* context, dv_error* error);
int32_t dv_run_observed(dv_context* context, const dv_observer* observer, dv_error* error);
int32_t dv_get_input(dv_context* context, int32_t index, dv_tensor* view, dv_error* error);
int32_t dv_get_output(dv_context* context, int32_t index, dv_tensor* view, dv_error* error);
int32_t dv_copy_output(dv_context* context, int32_t index, const dv_tensor* tensor,
                       dv_error* error);
int32_t dv_check_params(const dv_model* model, const dv_tensor* const* tensors, int32_t* next,
                        dv_error* fault);
int32_t dv_prepare_params(const dv_model* model, const dv_host* host,
                          const dv_tensor* const* tensors, uint8_t* weights, dv_error* error);
int32_t dv_set_params(dv_context* context, const uint8_t* weights, dv_error* error);

#endif /* DOVETAIL_EXECUTOR_CONTEXT_H_ */
