// An executor's functions by name, as Module::operator[] gives them.
#include <algorithm>
#include <climits>
#include <cstdint>
#include <iterator>

#include "base/error.h"
#include "runtime/executor.h"
#include "runtime/function_table.h"

namespace dovetail::detail {
namespace {

using Args = std::span<const Any>;

std::variant<int64_t, std::string> port_value(const Any& value) {
  if (value.is<int64_t>()) return value.as<int64_t>();
  if (value.is<std::string>()) return value.as<std::string>();
  throw_error(ErrorKind::kType, "an input or output is named by an int or a str, got {}",
              value.kind());
}

// Calls f(Port); the port may refer to the text in between.
template <class F>
auto with_port(const Any& value, const F& f) {
  return std::visit([&](const auto& named) { return f(Port(named)); }, port_value(value));
}

Any set_input(ExecutorNode& node, Args args) {
  with_port(args[0], [&](const Port& port) { node.set_input(port, args[1].as<Tensor>()); });
  return {};
}

Any set_input_zero_copy(ExecutorNode& node, Args args) {
  with_port(args[0],
            [&](const Port& port) { node.set_input_zero_copy(port, args[1].as<Tensor>()); });
  return {};
}

Any set_output_zero_copy(ExecutorNode& node, Args args) {
  const Tensor tensor = args[1].is_none() ? Tensor() : args[1].as<Tensor>();
  with_port(args[0], [&](const Port& port) { node.set_output_zero_copy(port, tensor); });
  return {};
}

Any run(ExecutorNode& node, Args) {
  node.run();
  return {};
}

Any set_num_threads(ExecutorNode& node, Args args) {
  const auto threads = args[0].as<int64_t>();
  node.set_num_threads(static_cast<int>(std::clamp<int64_t>(threads, -1, INT_MAX)));
  return {};
}

Any get_input(ExecutorNode& node, Args args) {
  return with_port(args[0], [&](const Port& port) { return node.get_input(port); });
}

Any get_output(ExecutorNode& node, Args args) {
  if (args.size() == 1) {
    return with_port(args[0], [&](const Port& port) { return node.get_output(port); });
  }
  with_port(args[0], [&](const Port& port) { node.get_output(port, args[1].as<Tensor>()); });
  return {};
}

Any load_params(ExecutorNode& node, Args args) {
  node.load_params(args[0].as<Params>());
  return {};
}

Any share_params(ExecutorNode& node, Args args) {
  const Executor other(args[0]);  // kType when it is something else
  node.share_params(static_cast<ExecutorNode&>(*other.module().node()));
  return {};
}

constexpr FunctionRow<ExecutorNode> kRows[] = {
    {"set_input", "(input, Tensor)", 2, 2, set_input},
    {"set_input_zero_copy", "(input, Tensor)", 2, 2, set_input_zero_copy},
    {"set_output_zero_copy", "(output, Tensor or none)", 2, 2, set_output_zero_copy},
    {"run", "()", 0, 0, run},
    {"set_num_threads", "(threads)", 1, 1, set_num_threads},
    {"get_input", "(input)", 1, 1, get_input},
    {"get_output", "(output) or (output, Tensor)", 1, 2, get_output},
    {"load_params", "(Params)", 1, 1, load_params},
    {"share_params", "(executor)", 1, 1, share_params},
    {"num_inputs", "()", 0, 0,
     [](ExecutorNode& node, Args) { return Any(node.model().num_inputs); }},
    {"num_outputs", "()", 0, 0,
     [](ExecutorNode& node, Args) { return Any(node.model().num_outputs); }},
    {"input_name", "(index)", 1, 1,
     [](ExecutorNode& node, Args args) {
       return Any(node.model().inputs[node.input_index(args[0].as<int64_t>())].name);
     }},
    {"output_name", "(index)", 1, 1,
     [](ExecutorNode& node, Args args) {
       return Any(node.model().outputs[node.output_index(args[0].as<int64_t>())].name);
     }},
};

}  // namespace

std::vector<std::string> ExecutorNode::names() const {
  std::vector<std::string> names;
  for (const auto& row : kRows) names.emplace_back(row.name);
  return names;
}

Function ExecutorNode::function(const std::string& name) {
  const auto* row = std::begin(kRows);
  while (name != row->name) ++row;  // the name is one of names()
  return bind(std::static_pointer_cast<ExecutorNode>(shared_from_this()), *row);
}

}  // namespace dovetail::detail
