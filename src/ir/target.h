// Facts about targets and CPU levels as plain tables; no LLVM here. A new target is one row.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dovetail::ir {

enum class Family : uint8_t { kX86_64, kAArch64 };
enum class ObjectFormat : uint8_t { kElf };

struct TargetInfo {
  std::string_view name;    // ours, on the command line: "x86_64-linux-gnu"
  std::string_view triple;  // LLVM's
  Family family;
  ObjectFormat format;
  int64_t page_size;  // alignment of the weights section: the largest page of the family
};
std::span<const TargetInfo> targets();
const TargetInfo& target_named(std::string_view name);  // kValue lists the names there are
const TargetInfo& host_target();

// One CPU level with its features, as kernels and the code generator see it.
struct CpuLevel {
  std::string name;           // as given: "x86-64-v4+avx512vnni"
  std::string llvm_cpu;       // "x86-64-v4", "generic"
  std::string llvm_features;  // "+avx512vnni", may be empty
  uint64_t features = 0;      // DV_X86_* / DV_ARM_* bits it needs
  Family family = Family::kX86_64;
  int vector_bytes = 16;  // the widest registers worth using
  int vector_registers = 16;
  bool fma = false;
  bool masked_memory = false;  // masked loads and stores are single instructions
};
// "x86-64-v3", "x86-64-v4+avx512vnni", "native" (the host's best; host family only). kValue names
// the levels and features there are.
CpuLevel cpu_level(const TargetInfo& target, std::string_view text);
CpuLevel baseline(const TargetInfo& target);

// Width of a weight panel [N/NR][K][NR] in elements; per family, so that variants share weights.
constexpr int panel_width(Family family) { return family == Family::kX86_64 ? 32 : 16; }

}  // namespace dovetail::ir
