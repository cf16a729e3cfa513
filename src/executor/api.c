#include "executor/context.h"

const dv_api dovetail_api = {
    sizeof(dv_api),
    0,
    dv_create,
    dv_destroy,
    dv_model_of,
    dv_variant_of,
    dv_set_input,
    dv_set_input_zero_copy,
    dv_set_output_zero_copy,
    dv_run,
    dv_get_input,
    dv_get_output,
    dv_copy_output,
    dv_run_observed,
    dv_check_params,
    dv_prepare_params,
    dv_set_params,
};
