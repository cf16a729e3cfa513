#include "runtime/module.h"

#include <algorithm>

#include "base/error.h"
#include "runtime/library.h"

namespace dovetail {

std::string detail::joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

const std::shared_ptr<detail::ModuleNode>& Module::node() const {
  if (!node_) throw_error(ErrorKind::kType, "expected a Module, got an undefined one");
  return node_;
}

Function Module::operator[](std::string_view name) const {
  const std::vector<std::string> known = names();
  if (std::ranges::find(known, name) == known.end()) {
    throw_error(ErrorKind::kKey, "{} has no function '{}'; it has: {}", node()->description(), name,
                detail::joined(known));
  }
  return node()->function(std::string(name));
}

std::vector<std::string> Module::names() const { return node()->names(); }
const dv_library* Module::library() const { return node()->library(); }

const dv_model* Module::model(std::string_view name) const {
  const dv_library* library = this->library();
  if (name == "default") return library->models[0];
  std::vector<std::string> known;
  for (uint64_t k = 0; k < library->num_models; ++k) {
    if (library->models[k]->name == name) return library->models[k];
    known.emplace_back(library->models[k]->name);
  }
  throw_error(ErrorKind::kKey, "{} has no model '{}'; it has: {}", node()->description(), name,
              detail::joined(known));
}

}  // namespace dovetail
