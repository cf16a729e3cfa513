// What a Module handle names.
#pragma once

#include <dovetail/runtime.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/params.h"

namespace dovetail::detail {

class ModuleNode : public std::enable_shared_from_this<ModuleNode> {
 public:
  ModuleNode() = default;
  ModuleNode(const ModuleNode&) = delete;
  ModuleNode& operator=(const ModuleNode&) = delete;
  virtual ~ModuleNode() = default;

  virtual std::string description() const = 0;  // "the library mlp.so"
  virtual std::vector<std::string> names() const = 0;
  virtual Function function(const std::string& name) = 0;  // one of names()
  virtual const dv_library* library() const = 0;
  // In a library: what executors of this model begin with; null before load_params.
  virtual runtime::PreparedParams params(const dv_model*) const { return nullptr; }
};

// "a, b, c"
std::string joined(const std::vector<std::string>& names);

}  // namespace dovetail::detail
