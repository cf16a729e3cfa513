/* What layout and run report, in words. */
#include "executor/context.h"
#include "executor/error_text.h"

static void put_number(dv_text* text, const char* expression, int64_t value) {
  dv_put(text, expression);
  dv_put(text, " is ");
  dv_put_integer(text, value);
}

static int32_t check_failed(const dv_context* context, const dv_check* check, dv_error* error) {
  const int64_t given = context->values[DV_VALUE_GIVEN];
  const int64_t expected = context->values[DV_VALUE_EXPECTED];
  dv_text text = dv_text_begin(error, DV_VALUE_ERROR);
  if (check->nodes[0]) {
    dv_put(&text, "node ");
    dv_put_quoted(&text, check->nodes);
    dv_put(&text, ": ");
  }
  if (check->text[0]) {
    dv_put(&text, check->text);
    dv_put(&text, ": ");
  }
  put_number(&text, check->given, given);
  if (check->relation == DV_EQUAL && check->expected) {
    dv_put(&text, " but ");
    put_number(&text, check->expected, expected);
    return dv_text_end(&text);
  }
  dv_put(&text, ", expected ");
  if (check->relation == DV_AT_LEAST) dv_put(&text, "at least ");
  if (check->relation == DV_AT_MOST) dv_put(&text, "at most ");
  dv_put_integer(&text, expected);
  return dv_text_end(&text);
}

/* Says what was given: which product of it is too large, only the code knows. */
static int32_t too_large(const dv_context* context, dv_error* error) {
  const dv_model* model = context->model;
  dv_text text = dv_text_begin(error, DV_MEMORY_ERROR);
  dv_put(&text, "a size that model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, " computes from its inputs exceeds 63 bits");
  for (int32_t d = 0; d < model->num_dims; ++d) {
    dv_put(&text, d ? ", " : " (");
    dv_put(&text, model->dims[d].name);
    dv_put(&text, " is ");
    dv_put_integer(&text, context->dims[d]);
  }
  if (model->num_dims > 0) dv_put(&text, ")");
  return dv_text_end(&text);
}

int32_t dv_status(const dv_context* context, int32_t status, dv_error* error) {
  if (status == 0) return DV_OK;
  if (status == DV_TOO_LARGE) return too_large(context, error);
  if (status > 0) return check_failed(context, &context->variant->checks[status - 1], error);
  return -status;
}
