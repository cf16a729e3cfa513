// libFuzzer's mutator for models: changes one or a few fields of the file's tree, so that most
// inputs still parse and the importer's checks are what they meet.
#include <cstddef>
#include <cstring>
#include <random>

#include "wire_tree.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace dovetail::fuzz {
namespace {

constexpr uint64_t kNumbers[] = {0,
                                 1,
                                 2,
                                 3,
                                 7,
                                 13,
                                 17,
                                 18,
                                 64,
                                 4096,
                                 1ull << 20,
                                 (1ull << 31) - 1,
                                 1ull << 31,
                                 1ull << 32,
                                 1ull << 40,
                                 1ull << 62,
                                 INT64_MAX,
                                 static_cast<uint64_t>(INT64_MIN),
                                 uint64_t(-1),
                                 uint64_t(-2),
                                 uint64_t(-7),
                                 static_cast<uint64_t>(INT32_MIN)};
constexpr float kReals[] = {
    0, -0.0F, 1, -1, 0.5F, 1e-30F, 3e38F, -3e38F, __builtin_inff(), __builtin_nanf("")};
constexpr uint32_t kDims = 1, kDataType = 2, kInt64Data = 7, kName = 8, kRaw = 9;  // of a tensor

class Mutator {
 public:
  Mutator(Field* model, unsigned seed) : model_(model), random_(seed) { collect(model); }

  void mutate() {
    if (places_.empty()) return;
    Place& place = places_[below(places_.size())];
    switch (below(8)) {
      case 0:
        return erase(place);
      case 1:
        return duplicate(place);
      case 2:
      case 3:
        return graft(place, *model_);
      case 4:
        return make_small_tensor();
      default:
        return change(place.parent->fields[place.index]);
    }
  }

  // Puts a part of another model where a part of its kind is, or beside it.
  void graft_from(const Field& donor) {
    if (!places_.empty()) graft(places_[below(places_.size())], donor);
  }

 private:
  struct Place {
    Field* parent;
    size_t index;
  };

  size_t below(size_t end) { return random_() % end; }

  void collect(Field* parent) {
    for (size_t k = 0; k < parent->fields.size(); ++k) {
      places_.push_back({parent, k});
      collect(&parent->fields[k]);
    }
  }

  static void collect_alike(const Field& parent, Message kind, uint32_t number,
                            std::vector<const Field*>* found) {
    for (const Field& field : parent.fields) {
      if (parent.message == kind && field.number == number) found->push_back(&field);
      collect_alike(field, kind, number, found);
    }
  }

  static void erase(const Place& place) {
    place.parent->fields.erase(place.parent->fields.begin() +
                               static_cast<std::ptrdiff_t>(place.index));
  }

  void duplicate(const Place& place) {
    const Field copy = place.parent->fields[place.index];
    const size_t at = below(place.parent->fields.size() + 1);
    place.parent->fields.insert(place.parent->fields.begin() + static_cast<std::ptrdiff_t>(at),
                                copy);
  }

  // Replaces a field by one of the same number in a message of the same kind.
  void graft(const Place& place, const Field& donor) {
    std::vector<const Field*> alike;
    Field& target = place.parent->fields[place.index];
    collect_alike(donor, place.parent->message, target.number, &alike);
    if (alike.empty()) return;
    Field copy = *alike[below(alike.size())];
    if (below(2) == 0 && copy.wire == 2) {
      place.parent->fields.push_back(std::move(copy));
    } else {
      target = std::move(copy);
    }
  }

  // A tensor becomes a short int64 vector, as shapes and axes are.
  void make_small_tensor() {
    std::vector<Field*> tensors;
    for (const Place& place : places_) {
      Field& field = place.parent->fields[place.index];
      if (field.message == Message::kTensor) tensors.push_back(&field);
    }
    if (tensors.empty()) return;
    Field& tensor = *tensors[below(tensors.size())];
    std::vector<uint64_t> values(below(5));
    for (uint64_t& value : values) value = below(3) ? below(8) - 2 : number();
    std::vector<Field> fields;
    for (Field& field : tensor.fields) {
      if (field.number == kName) fields.push_back(std::move(field));
    }
    fields.push_back({.number = kDims, .value = values.size()});
    fields.push_back({.number = kDataType, .value = 7});
    fields.push_back({.number = kInt64Data, .wire = 2, .bytes = pack_varints(values)});
    tensor.fields = std::move(fields);
  }

  uint64_t number() { return below(3) == 0 ? below(40) : kNumbers[below(std::size(kNumbers))]; }

  void change(Field& field) {
    if (field.wire == 0 || field.wire == 1) {
      field.value = below(4) ? number() : field.value + below(5) - 2;
    } else if (field.wire == 5) {
      const float real = kReals[below(std::size(kReals))];
      std::memcpy(&field.value, &real, sizeof real);
    } else if (field.message == Message::kNone) {
      change_bytes(&field.bytes);
    } else if (!field.fields.empty()) {
      std::swap(field.fields[below(field.fields.size())], field.fields[below(field.fields.size())]);
    }
  }

  void change_bytes(std::string* bytes) {
    if (below(2) == 0) {  // packed numbers, perhaps
      std::vector<uint64_t> values = unpack_varints(*bytes);
      if (values.empty() || below(6) == 0) values.push_back(number());
      values[below(values.size())] = number();
      *bytes = pack_varints(values);
      return;
    }
    const size_t size = bytes->size();
    bytes->resize(size + 8);
    bytes->resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(bytes->data()), size, size + 8));
  }

  Field* model_;
  std::minstd_rand random_;
  std::vector<Place> places_;
};

std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

size_t put(const Field& model, uint8_t* out, size_t max_size) {
  const std::string bytes = write_model(model);
  if (bytes.size() > max_size) return 0;
  std::memcpy(out, bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace
}  // namespace dovetail::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  using namespace dovetail::fuzz;
  if (seed % 50 == 0) return LLVMFuzzerMutate(data, size, max_size);
  Field model = parse_model(text_of(data, size));
  if (model.fields.empty()) return LLVMFuzzerMutate(data, size, max_size);
  for (unsigned times = 1 + seed % 3; times > 0; --times) {
    Mutator(&model, seed + 7919 * times).mutate();
  }
  const size_t written = put(model, data, max_size);
  return written ? written : LLVMFuzzerMutate(data, size, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_out_size, unsigned seed) {
  using namespace dovetail::fuzz;
  Field model = parse_model(text_of(data1, size1));
  Mutator(&model, seed).graft_from(parse_model(text_of(data2, size2)));
  return put(model, out, max_out_size);
}
