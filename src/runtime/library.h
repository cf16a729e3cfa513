// An exported library in this process.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/module.h"
#include "runtime/stateless.h"

namespace dovetail::runtime {

class LibraryNode : public detail::ModuleNode {
 public:
  // `file` keeps the descriptor where it is: a SharedLibrary, or null for a library linked into the
  // program. `where` names it in messages.
  LibraryNode(const dv_library* library, std::shared_ptr<const void> file, std::string where);

  std::string description() const override;
  std::vector<std::string> names() const override;
  Function function(const std::string& name) override;
  const dv_library* library() const override { return library_; }
  PreparedParams params(const dv_model* model) const override;
  detail::StatelessModel& stateless(const dv_model* model) const;

 private:
  void load_params(const dv_model* model, const Params& params);

  std::shared_ptr<const void> file_;
  const dv_library* library_;
  std::string where_;
  std::vector<std::unique_ptr<detail::StatelessModel>> stateless_;  // one per model
  mutable std::mutex params_mutex_;
  std::map<const dv_model*, PreparedParams> params_;  // that load_params has prepared
};

// kValue unless the descriptor is one that this runtime reads. `where` begins the message.
void check_descriptor(const dv_library* library, const std::string& where);

}  // namespace dovetail::runtime
