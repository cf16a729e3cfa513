/* Whether a caller's tensor fits an input, output, param or frozen value. Every failure is one
 * sentence that names the tensor, what was given and what was expected. */
#ifndef DOVETAIL_EXECUTOR_TENSOR_CHECK_H_
#define DOVETAIL_EXECUTOR_TENSOR_CHECK_H_

#include "executor/context.h"
#include "executor/error_text.h"

typedef enum dv_role { DV_ROLE_INPUT, DV_ROLE_OUTPUT, DV_ROLE_PARAM, DV_ROLE_FROZEN } dv_role;

/* Begins a sentence: "input 'x'". */
dv_text dv_begin_tensor(dv_error* error, int32_t code, dv_role role, const dv_tensor_info* info);

/* Finds input or output `index`. */
int32_t dv_find_binding(dv_context* context, dv_role role, int32_t index, dv_binding** binding,
                        dv_error* error);

/* Device, dtype, rank, fixed extents, and for inputs the bounds of symbols; that there is data. */
int32_t dv_check_tensor(const dv_model* model, dv_role role, const dv_tensor_info* info,
                        const dv_tensor* tensor, dv_error* error);

/* What a tensor needs to be used without a copy: compact, and aligned to its element. */
int32_t dv_check_zero_copy(dv_role role, const dv_binding* binding, const dv_tensor* tensor,
                           dv_error* error);

/* Whether `shape` is the one the output has now. `what` words the sentence: "output 'y' has shape
 * [2,4], but `what` has shape [3,4]". */
int32_t dv_check_output_shape(const dv_binding* output, const int64_t* shape, const char* what,
                              dv_error* error);

#endif /* DOVETAIL_EXECUTOR_TENSOR_CHECK_H_ */
