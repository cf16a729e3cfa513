#include "passes/fuse_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "ir/regions.h"
#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Shape;
using ir::Value;

using NodeSet = std::unordered_set<const Node*>;

// A row longer than this is read from memory again by every pass over it, so that elementwise
// nodes over the whole shape gain nothing by standing with its reduction.
constexpr double kMaxRowBytes = 512 * 1024;

// Nodes of one composite, in graph order.
struct Group {
  std::vector<const Node*> members;
};

class Grouping {
 public:
  explicit Grouping(const Graph& graph) : users_(graph.users()), prepared_(prepared_values(graph)) {
    for (const auto& node : graph.nodes()) {
      position_[node.get()] = nodes_.size();
      nodes_.push_back(node.get());
    }
    for (const Value* output : graph.outputs) outputs_.insert(output);
  }

  std::vector<Group> run() {
    for (const Node* node : nodes_) {
      if (node->as<ir::Reduce>() && !group_of_.contains(node) &&
          !prepared_.contains(node->result())) {
        grow(*node);
      }
    }
    return std::move(groups_);
  }

 private:
  void grow(const Node& reduce) {
    whole_ = reduce.operands[0]->shape();
    reduced_ = reduce.result()->shape();
    axes_ = reduce.as<ir::Reduce>()->axes;
    members_ = {&reduce};
    const NodeSet reached = reached_from(reduce);
    for (size_t i = position_.at(&reduce) + 1; i < nodes_.size(); ++i) {
      if (reached.contains(nodes_[i]) && belongs(*nodes_[i]) && joins(*nodes_[i], reached)) {
        members_.insert(nodes_[i]);
      }
    }
    add_producers();
    if (members_.size() == 1) return;
    Group group{{members_.begin(), members_.end()}};
    std::sort(group.members.begin(), group.members.end(),
              [&](const Node* a, const Node* b) { return position_.at(a) < position_.at(b); });
    for (const Node* member : group.members) group_of_[member] = groups_.size();
    groups_.push_back(std::move(group));
  }

  // Everything that depends on a node, groups taken as one. A user of the group may only read
  // members and what is not reached, or the composite would wait for itself.
  NodeSet reached_from(const Node& from) const {
    NodeSet reached;
    std::vector<const Node*> open{&from};
    const auto reach = [&](const Node* node) {
      if (reached.insert(node).second) open.push_back(node);
    };
    while (!open.empty()) {
      const Node* node = open.back();
      open.pop_back();
      for (const auto& result : node->results) {
        const auto users = users_.find(result.get());
        if (users == users_.end()) continue;
        for (const Node* user : users->second) reach(user);
      }
      // Whoever uses a symbol depends on the node that defines it.
      if (ir::defines_symbols(*node)) {
        for (size_t i = position_.at(node) + 1; i < nodes_.size(); ++i) reach(nodes_[i]);
      }
      const auto group = group_of_.find(node);
      if (group == group_of_.end()) continue;
      for (const Node* member : groups_[group->second].members) reach(member);
    }
    return reached;
  }

  bool row_is_short() const {
    Shape row;
    for (const int axis : axes_) row.push_back(whole_[axis]);
    return weight_of(row) * 4 <= kMaxRowBytes;
  }

  // A node over the same rows.
  bool belongs(const Node& node) const {
    if (group_of_.contains(&node) || prepared_.contains(node.results.front().get())) return false;
    if (const auto* reduce = node.as<ir::Reduce>()) {
      return reduce->axes == axes_ && node.operands[0]->shape() == whole_;
    }
    if (!node.as<ir::Elementwise>()) return false;
    const Shape& shape = node.result()->shape();
    return shape == reduced_ || (shape == whole_ && row_is_short());
  }

  bool joins(const Node& node, const NodeSet& reached) const {
    bool reads_member = false;
    for (const Value* operand : node.operands) {
      const bool member = members_.contains(operand->node);
      if (!member && reached.contains(operand->node)) return false;
      reads_member |= member;
    }
    return reads_member;
  }

  // Elementwise nodes that only members read.
  void add_producers() {
    std::vector<const Node*> open(members_.begin(), members_.end());
    while (!open.empty()) {
      const Node* node = open.back();
      open.pop_back();
      for (const Value* operand : node->operands) {
        const Node& producer = *operand->node;
        if (members_.contains(&producer) || !feeds_only_members(producer)) continue;
        members_.insert(&producer);
        open.push_back(&producer);
      }
    }
  }

  bool feeds_only_members(const Node& node) const {
    if (!node.as<ir::Elementwise>() || outputs_.contains(node.result())) return false;
    if (group_of_.contains(&node) || prepared_.contains(node.result())) return false;
    const Shape& shape = node.result()->shape();
    if (shape != whole_ && shape != reduced_) return false;
    const auto& users = users_.at(node.result());
    return std::all_of(users.begin(), users.end(),
                       [&](const Node* user) { return members_.contains(user); });
  }

  std::vector<const Node*> nodes_;
  std::unordered_map<const Node*, size_t> position_;
  std::unordered_map<const Value*, std::vector<Node*>> users_;
  std::unordered_set<const Value*> prepared_;
  std::unordered_set<const Value*> outputs_;
  std::vector<Group> groups_;
  std::unordered_map<const Node*, size_t> group_of_;
  // The group that grows.
  NodeSet members_;
  Shape whole_, reduced_;
  std::vector<int> axes_;
};

// Writes the graph with one composite for each group. A group stands where it is first needed or
// where its last member stood, after all that it reads.
class Writer {
 public:
  Writer(Graph& graph, std::vector<Group> groups)
      : old_(graph), rebuild_(graph), groups_(std::move(groups)), users_(graph.users()) {
    for (const auto& node : graph.nodes()) {
      for (const std::string& name : ir::defined_symbols(*node)) definer_of_[name] = node.get();
    }
    for (size_t g = 0; g < groups_.size(); ++g) {
      for (const Node* member : groups_[g].members) group_of_[member] = g;
    }
    outputs_.insert(graph.outputs.begin(), graph.outputs.end());
  }

  void run() {
    for (const auto& node : old_.nodes()) {
      const auto group = group_of_.find(node.get());
      if (group == group_of_.end()) {
        write(*node);
      } else if (groups_[group->second].members.back() == node.get()) {
        write(group->second);
      }
    }
    rebuild_.finish();
  }

 private:
  void write(const Node& node) {
    if (!written_.insert(&node).second) return;
    for (const Value* operand : node.operands) need(*operand->node);
    need_symbols(node);
    rebuild_.copy(node);
  }

  void need_symbols(const Node& node) {
    if (definer_of_.empty()) return;
    for (const std::string& name : ir::used_symbols(node)) {
      const auto definer = definer_of_.find(name);
      if (definer != definer_of_.end() && definer->second != &node) need(*definer->second);
    }
  }

  void need(const Node& node) {
    const auto group = group_of_.find(&node);
    if (group == group_of_.end()) {
      write(node);
    } else {
      write(group->second);
    }
  }

  void write(size_t g) {
    const std::vector<const Node*>& members = groups_[g].members;
    if (!written_.insert(members.front()).second) return;
    const NodeSet inside(members.begin(), members.end());
    std::vector<const Value*> reads;
    std::vector<const Value*> results;
    std::vector<std::string> origins;
    for (const Node* member : members) {
      for (const Value* operand : member->operands) {
        if (inside.contains(operand->node)) continue;
        if (std::find(reads.begin(), reads.end(), operand) == reads.end()) reads.push_back(operand);
      }
      if (is_read_outside(*member, inside)) results.push_back(member->result());
      origins = join_origins(std::move(origins), member->origins);
    }
    std::vector<Value*> operands;
    for (const Value* value : reads) {
      need(*value->node);
      operands.push_back(rebuild_.at(value));
    }
    for (const Node* member : members) need_symbols(*member);
    auto body = body_of(members, reads, results);
    Node* composite = rebuild_.next().add(ir::Composite{"rows", std::move(body)}, operands);
    composite->origins = std::move(origins);
    for (size_t i = 0; i < results.size(); ++i) {
      rebuild_.set(results[i], composite->results[i].get());
    }
  }

  bool is_read_outside(const Node& member, const NodeSet& inside) const {
    if (outputs_.contains(member.result())) return true;
    const auto users = users_.find(member.result());
    return users != users_.end() &&
           std::any_of(users->second.begin(), users->second.end(),
                       [&](const Node* user) { return !inside.contains(user); });
  }

  std::shared_ptr<Graph> body_of(const std::vector<const Node*>& members,
                                 const std::vector<const Value*>& reads,
                                 const std::vector<const Value*>& results) const {
    auto body = std::make_shared<Graph>();
    body->name = "rows";
    body->symbols = old_.symbols;
    std::unordered_map<const Value*, Value*> moved;
    for (size_t k = 0; k < reads.size(); ++k) {
      moved[reads[k]] = body->input(fmt::format("x{}", k), reads[k]->type);
    }
    for (const Node* member : members) {
      std::vector<Value*> operands;
      for (const Value* operand : member->operands) operands.push_back(moved.at(operand));
      Node* added = body->add(member->op, std::move(operands));
      added->origins = member->origins;
      moved[member->result()] = added->result();
    }
    for (size_t k = 0; k < results.size(); ++k) {
      body->outputs.push_back(moved.at(results[k]));
      body->output_names.push_back(fmt::format("y{}", k));
    }
    return body;
  }

  Graph& old_;
  Rebuild rebuild_;
  std::vector<Group> groups_;
  std::unordered_map<const Value*, std::vector<Node*>> users_;
  std::unordered_map<const Node*, size_t> group_of_;
  std::unordered_set<const Value*> outputs_;
  std::map<std::string, const Node*> definer_of_;  // of symbols
  NodeSet written_;                                // of a group: its first member
};

}  // namespace

void fuse_rows(Graph& graph) {
  std::vector<Group> groups = Grouping(graph).run();
  if (groups.empty()) return;
  Writer(graph, std::move(groups)).run();
}

}  // namespace dovetail::passes
