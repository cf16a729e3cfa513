#include "ir/target.h"

#include <dovetail/abi.h>
#include <fmt/format.h>

#include <algorithm>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "base/error.h"

namespace dovetail::ir {
namespace {

constexpr TargetInfo kTargets[] = {
    {"x86_64-linux-gnu", "x86_64-unknown-linux-gnu", Family::kX86_64, ObjectFormat::kElf, 4096},
    {"aarch64-linux-gnu", "aarch64-unknown-linux-gnu", Family::kAArch64, ObjectFormat::kElf, 65536},
};

// A feature by LLVM's name, with its bit of abi.h and the bits that LLVM turns on with it.
struct Feature {
  std::string_view name;
  uint64_t bit;
  uint64_t implied;
};

constexpr uint64_t kSse42 = DV_X86_SSE3 | DV_X86_SSSE3 | DV_X86_SSE4_1 | DV_X86_SSE4_2;
constexpr uint64_t kAvx = kSse42 | DV_X86_AVX;
constexpr uint64_t kAvx512 = kAvx | DV_X86_AVX2 | DV_X86_F16C | DV_X86_FMA | DV_X86_AVX512F;

constexpr Feature kX86Features[] = {
    {"sse3", DV_X86_SSE3, 0},
    {"ssse3", DV_X86_SSSE3, DV_X86_SSE3},
    {"sse4.1", DV_X86_SSE4_1, DV_X86_SSE3 | DV_X86_SSSE3},
    {"sse4.2", DV_X86_SSE4_2, kSse42},
    {"popcnt", DV_X86_POPCNT, 0},
    {"cx16", DV_X86_CX16, 0},
    {"sahf", DV_X86_LAHF, 0},
    {"avx", DV_X86_AVX, kAvx},
    {"avx2", DV_X86_AVX2, kAvx},
    {"bmi", DV_X86_BMI1, 0},
    {"bmi2", DV_X86_BMI2, 0},
    {"f16c", DV_X86_F16C, kAvx},
    {"fma", DV_X86_FMA, kAvx},
    {"lzcnt", DV_X86_LZCNT, 0},
    {"movbe", DV_X86_MOVBE, 0},
    {"avx512f", DV_X86_AVX512F, kAvx512},
    {"avx512bw", DV_X86_AVX512BW, kAvx512},
    {"avx512cd", DV_X86_AVX512CD, kAvx512},
    {"avx512dq", DV_X86_AVX512DQ, kAvx512},
    {"avx512vl", DV_X86_AVX512VL, kAvx512},
    {"avx512vnni", DV_X86_AVX512VNNI, kAvx512},
    {"avx512bf16", DV_X86_AVX512BF16, kAvx512 | DV_X86_AVX512BW},
};
constexpr Feature kArmFeatures[] = {
    {"neon", DV_ARM_NEON, 0},
    {"dotprod", DV_ARM_DOTPROD, DV_ARM_NEON},
    {"fullfp16", DV_ARM_FP16, DV_ARM_NEON},
};

constexpr uint64_t kX86V2 = kSse42 | DV_X86_POPCNT | DV_X86_CX16 | DV_X86_LAHF;
constexpr uint64_t kX86V3 = kX86V2 | DV_X86_AVX | DV_X86_AVX2 | DV_X86_BMI1 | DV_X86_BMI2 |
                            DV_X86_F16C | DV_X86_FMA | DV_X86_LZCNT | DV_X86_MOVBE;
constexpr uint64_t kX86V4 =
    kX86V3 | DV_X86_AVX512F | DV_X86_AVX512BW | DV_X86_AVX512CD | DV_X86_AVX512DQ | DV_X86_AVX512VL;

struct Level {
  std::string_view name, llvm_cpu;
  Family family;
  uint64_t features;
};
// Rising within a family; the first of a family is its baseline.
constexpr Level kLevels[] = {{"x86-64", "x86-64", Family::kX86_64, 0},
                             {"x86-64-v2", "x86-64-v2", Family::kX86_64, kX86V2},
                             {"x86-64-v3", "x86-64-v3", Family::kX86_64, kX86V3},
                             {"x86-64-v4", "x86-64-v4", Family::kX86_64, kX86V4},
                             {"armv8-a", "generic", Family::kAArch64, 0}};

std::span<const Feature> features_of(Family family) {
  return family == Family::kX86_64 ? std::span<const Feature>(kX86Features)
                                   : std::span<const Feature>(kArmFeatures);
}

std::string level_names(Family family) {
  std::vector<std::string_view> names;
  for (const Level& level : kLevels) {
    if (level.family == family) names.push_back(level.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// What follows from the features.
void derive(CpuLevel* level) {
  if (level->family == Family::kAArch64) {
    level->vector_registers = 32;
    level->fma = true;
    return;
  }
  const bool wide = (level->features & DV_X86_AVX512VL) != 0;
  const bool avx2 = (level->features & DV_X86_AVX2) != 0;
  level->vector_bytes = wide ? 64 : avx2 ? 32 : 16;
  level->vector_registers = wide ? 32 : 16;
  level->fma = (level->features & DV_X86_FMA) != 0;
  level->masked_memory = wide || avx2;
}

// What this machine and its operating system offer, of the features that `native` adds to a level.
uint64_t host_features() {
  uint64_t features = 0;
  [[maybe_unused]] const auto add = [&](bool there, uint64_t bits) {
    features |= there ? bits : 0;
  };
#if defined(__x86_64__)
  __builtin_cpu_init();
  add(__builtin_cpu_supports("x86-64-v2"), kX86V2);
  add(__builtin_cpu_supports("x86-64-v3"), kX86V3);
  add(__builtin_cpu_supports("x86-64-v4"), kX86V4);
  if (features == kX86V4) {
    add(__builtin_cpu_supports("avx512vnni"), DV_X86_AVX512VNNI);
    add(__builtin_cpu_supports("avx512bf16"), DV_X86_AVX512BF16);
  }
#elif defined(__aarch64__) && defined(__linux__)
  const unsigned long capabilities = getauxval(AT_HWCAP);
  features |= DV_ARM_NEON;
  add((capabilities & HWCAP_ASIMDDP) != 0, DV_ARM_DOTPROD);
  add((capabilities & HWCAP_FPHP) != 0 && (capabilities & HWCAP_ASIMDHP) != 0, DV_ARM_FP16);
#endif
  return features;
}

CpuLevel at(const Level& level) {
  CpuLevel result;
  result.name = level.name;
  result.llvm_cpu = level.llvm_cpu;
  result.features = level.features;
  result.family = level.family;
  return result;
}

// AVX-512 comes with the shorter vectors: LLVM 19 cannot select all code without them, and of the
// CPUs that are without only the Xeon Phi was ever sold.
void add_shorter_vectors(uint64_t own, std::vector<const Feature*>* features) {
  uint64_t all = own;
  for (const Feature* feature : *features) all |= feature->bit | feature->implied;
  if (!(all & DV_X86_AVX512F) || (all & DV_X86_AVX512VL)) return;
  const auto* vl = std::ranges::find(kX86Features, uint64_t{DV_X86_AVX512VL}, &Feature::bit);
  features->push_back(vl);
}

// Adds features in the order of their names, so that equal levels have equal names.
void add_features(CpuLevel* level, std::vector<const Feature*> features) {
  if (level->family == Family::kX86_64) add_shorter_vectors(level->features, &features);
  std::sort(features.begin(), features.end(),
            [](const Feature* a, const Feature* b) { return a->name < b->name; });
  const uint64_t own = level->features;
  for (const Feature* feature : features) {
    if ((own & feature->bit) || level->name.ends_with(fmt::format("+{}", feature->name))) continue;
    level->features |= feature->bit | feature->implied;
    level->name += fmt::format("+{}", feature->name);
    if (!level->llvm_features.empty()) level->llvm_features += ',';
    level->llvm_features += fmt::format("+{}", feature->name);
  }
  derive(level);
}

CpuLevel native_level() {
  const uint64_t features = host_features();
  const Level* best = nullptr;
  for (const Level& level : kLevels) {
    if (level.family == host_target().family && (level.features & ~features) == 0) best = &level;
  }
  DOVETAIL_CHECK(best, "this machine has none of the CPU levels");
  std::vector<const Feature*> extra;
  for (const Feature& feature : features_of(best->family)) {
    if (features & ~best->features & feature.bit) extra.push_back(&feature);
  }
  CpuLevel result = at(*best);
  add_features(&result, extra);
  return result;
}

const Level& level_named(const TargetInfo& target, std::string_view name) {
  for (const Level& level : kLevels) {
    if (level.family == target.family && level.name == name) return level;
  }
  throw_error(ErrorKind::kValue, "there is no CPU level '{}' for {}; the levels are {}", name,
              target.name, level_names(target.family));
}

const Feature& feature_named(const TargetInfo& target, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Feature& feature : features_of(target.family)) {
    if (feature.name == name) return feature;
    names.push_back(feature.name);
  }
  throw_error(ErrorKind::kValue, "there is no CPU feature '{}' for {}; the features are {}", name,
              target.name, fmt::join(names, ", "));
}

}  // namespace

std::span<const TargetInfo> targets() { return kTargets; }

const TargetInfo& target_named(std::string_view name) {
  std::vector<std::string_view> names;
  for (const TargetInfo& target : kTargets) {
    if (target.name == name) return target;
    names.push_back(target.name);
  }
  throw_error(ErrorKind::kValue, "there is no target '{}'; the targets are {}", name,
              fmt::join(names, ", "));
}

const TargetInfo& host_target() {
#if defined(__aarch64__)
  return target_named("aarch64-linux-gnu");
#else
  return target_named("x86_64-linux-gnu");
#endif
}

CpuLevel cpu_level(const TargetInfo& target, std::string_view text) {
  if (text == "native") {
    if (target.family == host_target().family) return native_level();
    throw_error(ErrorKind::kValue,
                "the CPU level 'native' is this machine's, but the target is {}; the levels are {}",
                target.name, level_names(target.family));
  }
  const size_t plus = std::min(text.find('+'), text.size());
  CpuLevel level = at(level_named(target, text.substr(0, plus)));
  std::vector<const Feature*> features;
  for (size_t begin = plus; begin < text.size();) {
    const size_t end = std::min(text.find('+', begin + 1), text.size());
    features.push_back(&feature_named(target, text.substr(begin + 1, end - begin - 1)));
    begin = end;
  }
  add_features(&level, features);
  return level;
}

CpuLevel baseline(const TargetInfo& target) {
  for (const Level& level : kLevels) {
    if (level.family != target.family) continue;
    CpuLevel result = at(level);
    derive(&result);
    return result;
  }
  throw_error(ErrorKind::kInternal, "{} has no CPU level", target.name);
}

}  // namespace dovetail::ir
