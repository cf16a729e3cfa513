// A task function written together with the arguments of one use of it.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

class TaskWriter {
 public:
  TaskWriter(const std::string& name, const Request& request);

  loop::Builder& code() { return code_; }
  // Parameters and what is passed for them; before any statement of the body.
  loop::Value pointer(const std::string& name, int tensor, const ir::Dim& byte_offset = 0);
  loop::Value integer(const std::string& name, const ir::Dim& value);
  // A constant of the code when it is one, for steps within an inner loop: then they are part of
  // its loads, and no additions beside them. Uses whose steps differ have code of their own.
  loop::Value inner_step(const std::string& name, const ir::Dim& value);
  // The scratch of all workers; each owns `bytes` (a multiple of 64) from worker() * bytes on.
  // Once.
  loop::Value scratch(const ir::Dim& bytes);

  Call finish(const ir::Dim& chunks);

 private:
  loop::Builder code_;
  std::vector<Argument> arguments_;
  ir::Dim scratch_ = 0;
};

}  // namespace dovetail::kernels
