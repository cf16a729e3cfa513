// Loop IR -> machine code through LLVM 19. The only folder that sees LLVM.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ir/loop.h"
#include "ir/target.h"

namespace dovetail::codegen {

using Object = std::vector<std::byte>;

// Relocatable objects in the target's format, which together define every function and data object
// of the module: position independent, unwind tables present, function sections, nothing imported
// but the names the module itself declares external and `dovetail_parallel_for`. They are generated
// in as many threads as the machine has cores; what is not exported is hidden. The target machine
// is the family's baseline; a function's CPU level is an attribute of that function. Equal modules
// give equal bytes. Throws kInternal when LLVM refuses the IR.
std::vector<Object> emit_objects(const loop::Module& module, const ir::TargetInfo& target);

// The same code as assembly text, for --dump.
std::string emit_assembly(const loop::Module& module, const ir::TargetInfo& target);

// A module compiled for this machine and loaded into the process: what runs `prepare` at compile
// time and kernels in tests. `dovetail_parallel_for` runs serially.
class HostCode {
 public:
  explicit HostCode(const loop::Module& module);
  ~HostCode();
  HostCode(const HostCode&) = delete;
  HostCode& operator=(const HostCode&) = delete;
  void* address_of(const std::string& symbol) const;  // kInternal when it is not there
  template <class F>
  F* function(const std::string& symbol) const {
    return reinterpret_cast<F*>(address_of(symbol));
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dovetail::codegen
