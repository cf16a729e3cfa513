#include "ir/target.h"

#include <dovetail/abi.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace dovetail::ir {
namespace {

constexpr TargetInfo kTargets[] = {
    {"x86_64-linux-gnu", "x86_64-unknown-linux-gnu", Family::kX86_64, ObjectFormat::kElf, 4096},
    {"aarch64-linux-gnu", "aarch64-unknown-linux-gnu", Family::kAArch64, ObjectFormat::kElf, 65536},
};

// A feature by LLVM's name, with its bit of abi.h and what `native` may rely on.
struct Feature {
  std::string_view name;
  uint64_t bit;
};

constexpr Feature kX86Features[] = {{"sse3", DV_X86_SSE3},
                                    {"ssse3", DV_X86_SSSE3},
                                    {"sse4.1", DV_X86_SSE4_1},
                                    {"sse4.2", DV_X86_SSE4_2},
                                    {"popcnt", DV_X86_POPCNT},
                                    {"cx16", DV_X86_CX16},
                                    {"sahf", DV_X86_LAHF},
                                    {"avx", DV_X86_AVX},
                                    {"avx2", DV_X86_AVX2},
                                    {"bmi", DV_X86_BMI1},
                                    {"bmi2", DV_X86_BMI2},
                                    {"f16c", DV_X86_F16C},
                                    {"fma", DV_X86_FMA},
                                    {"lzcnt", DV_X86_LZCNT},
                                    {"movbe", DV_X86_MOVBE},
                                    {"avx512f", DV_X86_AVX512F},
                                    {"avx512bw", DV_X86_AVX512BW},
                                    {"avx512cd", DV_X86_AVX512CD},
                                    {"avx512dq", DV_X86_AVX512DQ},
                                    {"avx512vl", DV_X86_AVX512VL},
                                    {"avx512vnni", DV_X86_AVX512VNNI},
                                    {"avx512bf16", DV_X86_AVX512BF16}};
constexpr Feature kArmFeatures[] = {
    {"neon", DV_ARM_NEON}, {"dotprod", DV_ARM_DOTPROD}, {"fullfp16", DV_ARM_FP16}};

constexpr uint64_t kX86V2 = DV_X86_SSE3 | DV_X86_SSSE3 | DV_X86_SSE4_1 | DV_X86_SSE4_2 |
                            DV_X86_POPCNT | DV_X86_CX16 | DV_X86_LAHF;
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

const Feature* find_feature(Family family, std::string_view name) {
  for (const Feature& feature : features_of(family)) {
    if (feature.name == name) return &feature;
  }
  return nullptr;
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

// Features of this machine, or of its family's baseline where nothing can be asked.
uint64_t host_features() {
  uint64_t features = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const auto add = [&](bool there, uint64_t bit) { features |= there ? bit : 0; };
  add(__builtin_cpu_supports("x86-64-v2"), kX86V2);
  add(__builtin_cpu_supports("x86-64-v3"), kX86V3);
  add(__builtin_cpu_supports("x86-64-v4"), kX86V4);
  if ((features & kX86V4) == kX86V4) {
    add(__builtin_cpu_supports("avx512vnni"), DV_X86_AVX512VNNI);
    add(__builtin_cpu_supports("avx512bf16"), DV_X86_AVX512BF16);
  }
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

void add_feature(CpuLevel* level, const Feature& feature) {
  if (level->features & feature.bit) return;
  level->features |= feature.bit;
  level->name += fmt::format("+{}", feature.name);
  level->llvm_features +=
      fmt::format("{}+{}", level->llvm_features.empty() ? "" : ",", feature.name);
}

CpuLevel native_level() {
  const uint64_t features = host_features();
  const Level* best = nullptr;
  for (const Level& level : kLevels) {
    if (level.family == host_target().family && (level.features & ~features) == 0) best = &level;
  }
  CpuLevel result = at(*best);
  for (const Feature& feature : features_of(best->family)) {
    if (features & feature.bit) add_feature(&result, feature);
  }
  return result;
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
    if (target.family != host_target().family) {
      throw_error(ErrorKind::kValue,
                  "--cpu native is this machine's level, but the target is {}; the levels are {}",
                  target.name, level_names(target.family));
    }
    CpuLevel level = native_level();
    derive(&level);
    return level;
  }
  const size_t plus = std::min(text.find('+'), text.size());
  const auto base = std::find_if(std::begin(kLevels), std::end(kLevels), [&](const Level& level) {
    return level.family == target.family && level.name == text.substr(0, plus);
  });
  if (base == std::end(kLevels)) {
    throw_error(ErrorKind::kValue, "there is no CPU level '{}' for {}; the levels are {}",
                text.substr(0, plus), target.name, level_names(target.family));
  }
  CpuLevel level = at(*base);
  for (size_t begin = plus; begin < text.size();) {
    const size_t end = std::min(text.find('+', begin + 1), text.size());
    const std::string_view name = text.substr(begin + 1, end - begin - 1);
    const Feature* feature = find_feature(target.family, name);
    if (!feature) {
      std::vector<std::string_view> names;
      for (const Feature& known : features_of(target.family)) names.push_back(known.name);
      throw_error(ErrorKind::kValue, "there is no CPU feature '{}' for {}; the features are {}",
                  name, target.name, fmt::join(names, ", "));
    }
    add_feature(&level, *feature);
    begin = end;
  }
  derive(&level);
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
