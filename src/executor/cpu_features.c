#include "executor/cpu_features.h"

#include "executor/error_text.h"

static void put_missing(dv_text* text, uint64_t missing) {
  dv_put(text, (missing & (missing - 1)) == 0 ? "the CPU feature " : "the CPU features ");
  int32_t count = 0;
  for (const dv_cpu_feature* row = dv_cpu_feature_names; row->name; ++row) {
    if (!(missing & row->bit)) continue;
    if (count++ > 0) dv_put(text, ", ");
    dv_put(text, row->name);
    missing &= ~row->bit;
  }
  for (int32_t bit = 0; bit < 64; ++bit) { /* bits of a later abi.h have no name here */
    if (!(missing >> bit & 1)) continue;
    if (count++ > 0) dv_put(text, ", ");
    dv_put(text, "bit ");
    dv_put_integer(text, bit);
  }
}

const dv_variant* dv_choose_variant(const dv_model* model, const dv_host* host, dv_error* error) {
  const uint64_t offered = host->cpu_features ? host->cpu_features : dv_cpu_features();
  const dv_variant* last = NULL;
  for (int32_t i = 0; i < model->num_variants; ++i) {
    last = &model->variants[i];
    if ((last->features & ~offered) == 0) return last;
  }
  dv_text text = dv_text_begin(error, DV_RUNTIME_ERROR);
  dv_put(&text, "model ");
  dv_put_quoted(&text, model->name);
  if (!last) {
    dv_put(&text, " holds no code");
  } else {
    dv_put(&text, " needs ");
    put_missing(&text, last->features & ~offered);
    dv_put(&text, ", which this machine lacks; it was built for ");
    for (int32_t i = 0; i < model->num_variants; ++i) {
      if (i > 0) dv_put(&text, ", ");
      dv_put(&text, model->variants[i].cpu);
    }
  }
  dv_text_end(&text);
  return NULL;
}
