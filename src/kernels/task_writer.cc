#include "kernels/task_writer.h"

namespace dovetail::kernels {

TaskWriter::TaskWriter(const std::string& name, const Request& request)
    : code_(name, loop::Convention::kTask) {
  code_.function().strict = request.strict;
  code_.function().llvm_cpu = request.level->llvm_cpu;
  code_.function().llvm_features = request.level->llvm_features;
}

loop::Value TaskWriter::pointer(const std::string& name, int tensor, const ir::Dim& byte_offset) {
  arguments_.push_back(Argument::pointer(tensor, byte_offset));
  return code_.pointer_parameter(name);
}

loop::Value TaskWriter::integer(const std::string& name, const ir::Dim& value) {
  arguments_.push_back(Argument::integer(value));
  return code_.int_parameter(name);
}

loop::Value TaskWriter::inner_step(const std::string& name, const ir::Dim& value) {
  return value.is_constant() ? code_.constant(value.value()) : integer(name, value);
}

loop::Value TaskWriter::scratch(const ir::Dim& bytes) {
  scratch_ = bytes;
  arguments_.push_back(Argument::scratch());
  return code_.pointer_parameter("scratch");
}

Call TaskWriter::finish(const ir::Dim& chunks) {
  Call call;
  call.function = code_.finish();
  call.arguments = std::move(arguments_);
  call.chunks = chunks;
  call.scratch = scratch_;
  return call;
}

}  // namespace dovetail::kernels
