/* CPU features of the AArch64 family. Reading them needs the operating system's help, so without
 * the host's word only those count that every member of the family has. */
#include "executor/cpu_features.h"

#if defined(__aarch64__)

const dv_cpu_feature dv_cpu_feature_names[] = {
    {DV_ARM_NEON, "neon"},
    {DV_ARM_DOTPROD, "dotprod"},
    {DV_ARM_FP16, "fullfp16"},
    {0, NULL},
};

uint64_t dv_cpu_features(void) { return DV_ARM_NEON; }

#endif
