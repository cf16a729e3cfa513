// Keys of nodes for finding equal ones.
#include <bit>
#include <string>

#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

class Key {
 public:
  template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void add(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void add(const ir::Dim& dim) { add_text(dim.to_string()); }
  template <class T>
  void add(const std::vector<T>& list) {
    add(list.size());
    for (const T& item : list) add(item);
  }
  void add_text(std::string_view text) {
    add(text.size());
    text_.append(text);
  }
  void add(const ir::ScalarExpr& expr) {
    add(expr.nodes.size());
    for (const ir::ScalarNode& node : expr.nodes) {
      add(node.op);
      add(node.dtype);
      add(node.arguments);
      add(node.index);
      add(node.constant.index());
      std::visit([&](auto value) { add(value); }, node.constant);
    }
  }
  void add(const ir::Window& window) {
    add(window.kernel);
    add(window.strides);
    add(window.dilations);
    add(window.pad_lo);
    add(window.pad_hi);
    add(window.input_dilations);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// Adds the attributes; false when nodes of this kind are never equal.
struct Attributes {
  Key& key;

  bool operator()(const ir::Input&) const { return false; }
  bool operator()(const ir::Param&) const { return false; }
  bool operator()(const ir::Composite&) const { return false; }
  bool operator()(const ir::Recurrence&) const { return false; }  // several results
  bool operator()(const ir::Constant& op) const {
    key.add(op.data.dtype());
    key.add(op.data.shape());
    const auto bytes = op.data.bytes();
    key.add_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    return true;
  }
  bool operator()(const ir::Elementwise& op) const { return key.add(op.expr), true; }
  bool operator()(const ir::Reduce& op) const {
    key.add(op.kind);
    key.add(op.axes);
    return true;
  }
  bool operator()(const ir::Cumulate& op) const {
    key.add(op.kind);
    key.add(op.axis);
    key.add(op.exclusive);
    key.add(op.reverse);
    return true;
  }
  bool operator()(const ir::TopK& op) const {
    key.add(op.axis);
    key.add(op.k);
    key.add(op.largest);
    key.add(op.last);
    return true;
  }
  bool operator()(const ir::Contract& op) const {
    key.add(op.batch);
    key.add(op.groups);
    key.add(op.window);
    key.add(op.panel);
    key.add(op.columns);
    key.add(op.winograd);
    if (op.epilogue) key.add(*op.epilogue);
    return true;
  }
  bool operator()(const ir::Pool& op) const {
    key.add(op.kind);
    key.add(op.window);
    key.add(op.ceil_extra);
    return true;
  }
  bool operator()(const ir::PoolIndices& op) const {
    key.add(op.window);
    key.add(op.ceil_extra);
    return true;
  }
  bool operator()(const ir::Permute& op) const { return key.add(op.perm), true; }
  bool operator()(const ir::Broadcast& op) const { return key.add(op.shape), true; }
  bool operator()(const ir::Slice& op) const {
    key.add(op.starts);
    key.add(op.steps);
    key.add(op.extents);
    return true;
  }
  bool operator()(const ir::Reshape& op) const { return key.add(op.shape), true; }
  bool operator()(const ir::Concat& op) const { return key.add(op.axis), true; }
  bool operator()(const ir::Pad& op) const {
    key.add(op.lo);
    key.add(op.hi);
    key.add(op.value);
    return true;
  }
  bool operator()(const ir::Gather& op) const { return key.add(op.axis), true; }
  bool operator()(const ir::Lookup& op) const {
    key.add(op.expr);
    key.add(op.shape);
    key.add(op.dims);
    return true;
  }
  bool operator()(const ir::Scatter& op) const {
    key.add(op.kind);
    key.add(op.coordinates);
    key.add(op.dims);
    return true;
  }
  bool operator()(const ir::Copy&) const { return true; }
  bool operator()(const ir::Nms& op) const {
    key.add(op.centered);
    key.add(op.limit);
    return true;
  }
  bool operator()(const ir::Measure&) const { return false; }
  bool operator()(const ir::Compact& op) const { return key.add(op.count), true; }
  bool operator()(const ir::If&) const { return false; }
  bool operator()(const ir::Loop&) const { return false; }
};

}  // namespace

std::string key_of(const ir::Primitive& op, const Operands& operands) {
  Key key;
  key.add(op.index());
  key.add(operands.size());
  for (const ir::Value* operand : operands) key.add(operand->id);
  if (!std::visit(Attributes{key}, op)) return {};
  return key.take();
}

}  // namespace dovetail::passes
