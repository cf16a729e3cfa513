/* CPU features of the x86-64 family, by CPUID and XGETBV (Intel SDM, volume 1, chapter 14). */
#include "executor/cpu_features.h"

#if defined(__x86_64__)

const dv_cpu_feature dv_cpu_feature_names[] = {
    {DV_X86_SSE3, "sse3"},
    {DV_X86_SSSE3, "ssse3"},
    {DV_X86_SSE4_1, "sse4.1"},
    {DV_X86_SSE4_2, "sse4.2"},
    {DV_X86_POPCNT, "popcnt"},
    {DV_X86_CX16, "cx16"},
    {DV_X86_LAHF, "sahf"},
    {DV_X86_AVX, "avx"},
    {DV_X86_AVX2, "avx2"},
    {DV_X86_BMI1, "bmi"},
    {DV_X86_BMI2, "bmi2"},
    {DV_X86_F16C, "f16c"},
    {DV_X86_FMA, "fma"},
    {DV_X86_LZCNT, "lzcnt"},
    {DV_X86_MOVBE, "movbe"},
    {DV_X86_AVX512F, "avx512f"},
    {DV_X86_AVX512BW, "avx512bw"},
    {DV_X86_AVX512CD, "avx512cd"},
    {DV_X86_AVX512DQ, "avx512dq"},
    {DV_X86_AVX512VL, "avx512vl"},
    {DV_X86_AVX512VNNI, "avx512vnni"},
    {DV_X86_AVX512BF16, "avx512bf16"},
    {0, NULL},
};

typedef struct registers {
  uint32_t eax, ebx, ecx, edx;
} registers;

static registers cpuid(uint32_t leaf, uint32_t subleaf) {
  registers r;
  __asm__ volatile("cpuid"
                   : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                   : "a"(leaf), "c"(subleaf));
  return r;
}

/* The register states that the operating system saves. */
static uint32_t xcr0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  (void)high;
  return low;
}

/* `feature` when bit `bit` of `word` is set. */
static uint64_t when(uint32_t word, int32_t bit, uint64_t feature) {
  return word >> bit & 1 ? feature : 0;
}

static uint64_t features_of_leaf_7(void) {
  const registers leaf7 = cpuid(7, 0);
  uint64_t found = when(leaf7.ebx, 3, DV_X86_BMI1) | when(leaf7.ebx, 8, DV_X86_BMI2);
  found |= when(leaf7.ebx, 5, DV_X86_AVX2) | when(leaf7.ebx, 16, DV_X86_AVX512F) |
           when(leaf7.ebx, 17, DV_X86_AVX512DQ) | when(leaf7.ebx, 28, DV_X86_AVX512CD) |
           when(leaf7.ebx, 30, DV_X86_AVX512BW) | when(leaf7.ebx, 31, DV_X86_AVX512VL) |
           when(leaf7.ecx, 11, DV_X86_AVX512VNNI);
  if (leaf7.eax >= 1) found |= when(cpuid(7, 1).eax, 5, DV_X86_AVX512BF16);
  return found;
}

uint64_t dv_cpu_features(void) {
  const uint64_t needs_zmm = DV_X86_AVX512F | DV_X86_AVX512BW | DV_X86_AVX512CD | DV_X86_AVX512DQ |
                             DV_X86_AVX512VL | DV_X86_AVX512VNNI | DV_X86_AVX512BF16;
  const uint64_t needs_ymm = DV_X86_AVX | DV_X86_AVX2 | DV_X86_F16C | DV_X86_FMA | needs_zmm;
  const uint32_t highest = cpuid(0, 0).eax;
  const registers leaf1 = cpuid(1, 0);
  const uint32_t states = leaf1.ecx >> 27 & 1 ? xcr0() : 0;
  uint64_t usable = ~UINT64_C(0);
  if ((states & 0x06) != 0x06) usable &= ~needs_ymm;
  if ((states & 0xe6) != 0xe6) usable &= ~needs_zmm;

  uint64_t found = when(leaf1.ecx, 0, DV_X86_SSE3) | when(leaf1.ecx, 9, DV_X86_SSSE3) |
                   when(leaf1.ecx, 12, DV_X86_FMA) | when(leaf1.ecx, 13, DV_X86_CX16) |
                   when(leaf1.ecx, 19, DV_X86_SSE4_1) | when(leaf1.ecx, 20, DV_X86_SSE4_2) |
                   when(leaf1.ecx, 22, DV_X86_MOVBE) | when(leaf1.ecx, 23, DV_X86_POPCNT) |
                   when(leaf1.ecx, 28, DV_X86_AVX) | when(leaf1.ecx, 29, DV_X86_F16C);
  if (highest >= 7) found |= features_of_leaf_7();
  if (cpuid(0x80000000U, 0).eax >= 0x80000001U) {
    const uint32_t extended = cpuid(0x80000001U, 0).ecx;
    found |= when(extended, 0, DV_X86_LAHF) | when(extended, 5, DV_X86_LZCNT);
  }
  return found & usable;
}

#endif
