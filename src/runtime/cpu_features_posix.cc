#include "runtime/cpu_features.h"

#include <dovetail/abi.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

namespace dovetail::runtime {
namespace {

#if defined(__x86_64__)
// The compiler's own answer, which counts the register states that the system saves.
uint64_t find_features() {
  uint64_t features = 0;
  // The builtin takes nothing but a literal.
#define FEATURE(name, bit) \
  if (__builtin_cpu_supports(name)) features |= (bit)
  FEATURE("sse3", DV_X86_SSE3);
  FEATURE("ssse3", DV_X86_SSSE3);
  FEATURE("sse4.1", DV_X86_SSE4_1);
  FEATURE("sse4.2", DV_X86_SSE4_2);
  FEATURE("popcnt", DV_X86_POPCNT);
  FEATURE("avx", DV_X86_AVX);
  FEATURE("avx2", DV_X86_AVX2);
  FEATURE("bmi", DV_X86_BMI1);
  FEATURE("bmi2", DV_X86_BMI2);
  FEATURE("f16c", DV_X86_F16C);
  FEATURE("fma", DV_X86_FMA);
  FEATURE("lzcnt", DV_X86_LZCNT);
  FEATURE("movbe", DV_X86_MOVBE);
  FEATURE("avx512f", DV_X86_AVX512F);
  FEATURE("avx512bw", DV_X86_AVX512BW);
  FEATURE("avx512cd", DV_X86_AVX512CD);
  FEATURE("avx512dq", DV_X86_AVX512DQ);
  FEATURE("avx512vl", DV_X86_AVX512VL);
  FEATURE("avx512vnni", DV_X86_AVX512VNNI);
  FEATURE("avx512bf16", DV_X86_AVX512BF16);
#undef FEATURE
  // Two that clang's builtin does not know.
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) && (c >> 13 & 1)) features |= DV_X86_CX16;
  if (__get_cpuid(0x80000001U, &a, &b, &c, &d) && (c & 1)) features |= DV_X86_LAHF;
  return features;
}
#endif

}  // namespace

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
#elif defined(__x86_64__)
  static const uint64_t features = find_features();
  return features;
#else
  return 0;
#endif
}

}  // namespace dovetail::runtime
