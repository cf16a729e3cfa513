#include "runtime/cpu_features.h"

#if defined(__aarch64__)
#include <dovetail/abi.h>
#include <sys/auxv.h>
#endif

namespace dovetail::runtime {

uint64_t cpu_features() {
#if defined(__aarch64__)
  // The bits of Linux's AT_HWCAP.
  constexpr uint64_t kAsimd = 1 << 1, kFphp = 1 << 9, kAsimdHp = 1 << 10, kAsimdDp = 1 << 20;
  const uint64_t bits = getauxval(AT_HWCAP);
  uint64_t features = 0;
  if (bits & kAsimd) features |= DV_ARM_NEON;
  if (bits & kAsimdDp) features |= DV_ARM_DOTPROD;
  if ((bits & kFphp) && (bits & kAsimdHp)) features |= DV_ARM_FP16;
  return features;
#else
  return 0;
#endif
}

}  // namespace dovetail::runtime
