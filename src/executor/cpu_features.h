/* Which CPU features there are, and which variant of a model may run with them. */
#ifndef DOVETAIL_EXECUTOR_CPU_FEATURES_H_
#define DOVETAIL_EXECUTOR_CPU_FEATURES_H_

#include <dovetail/abi.h>

/* One row per bit of abi.h, spelled as LLVM and GCC spell it. */
typedef struct dv_cpu_feature {
  uint64_t bit;
  const char* name;
} dv_cpu_feature;

/* The family's table, ended by a row whose name is NULL. */
extern const dv_cpu_feature dv_cpu_feature_names[];

/* What this CPU and its operating system offer (DV_X86_* or DV_ARM_* bits). */
uint64_t dv_cpu_features(void);

/* The first variant whose features are all offered; NULL, and an error that names the missing ones,
 * when there is none. */
const dv_variant* dv_choose_variant(const dv_model* model, const dv_host* host, dv_error* error);

#endif /* DOVETAIL_EXECUTOR_CPU_FEATURES_H_ */
