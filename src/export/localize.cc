#include "export/localize.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "export/elf.h"

namespace dovetail::exporter {
namespace {

using elf::SectionHeader;
using elf::Symbol;

bool is_local(const Symbol& symbol) { return symbol.info >> 4 == elf::kLocal; }

// New order of the table, locals first and otherwise as before; gives the new index of each old
// one.
std::vector<uint32_t> reorder(std::vector<Symbol>* symbols, uint32_t* num_locals) {
  std::vector<uint32_t> order(symbols->size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto border = std::stable_partition(order.begin(), order.end(),
                                            [&](uint32_t i) { return is_local((*symbols)[i]); });
  *num_locals = static_cast<uint32_t>(border - order.begin());
  std::vector<uint32_t> new_index(order.size());
  std::vector<Symbol> sorted;
  for (uint32_t i = 0; i < order.size(); ++i) {
    new_index[order[i]] = i;
    sorted.push_back((*symbols)[order[i]]);
  }
  *symbols = std::move(sorted);
  return new_index;
}

void renumber(std::vector<std::byte>* object, const SectionHeader& table,
              const std::vector<uint32_t>& new_index) {
  for (uint64_t at = table.offset; at < table.offset + table.size; at += sizeof(elf::Rela)) {
    auto rela = elf::read_at<elf::Rela>(*object, at);
    const uint64_t symbol = new_index.at(rela.info >> 32);
    rela.info = (symbol << 32) | (rela.info & 0xffffffffu);
    elf::write_at(*object, at, rela);
  }
}

}  // namespace

void localize_symbols(std::vector<std::byte>* object, const std::vector<std::string>& exported) {
  const auto header = elf::read_at<elf::Header>(*object, 0);
  std::vector<SectionHeader> sections = elf::sections(*object);
  const auto found = std::find_if(sections.begin(), sections.end(), [](const SectionHeader& s) {
    return s.type == elf::kSymbolTable;
  });
  DOVETAIL_CHECK(found != sections.end(), "the object has no symbol table");
  const auto table_index = static_cast<uint32_t>(found - sections.begin());
  const auto* names = reinterpret_cast<const char*>(object->data() + sections[found->link].offset);

  std::vector<Symbol> symbols(found->size / sizeof(Symbol));
  std::memcpy(symbols.data(), object->data() + found->offset, found->size);
  for (Symbol& symbol : symbols) {
    const std::string_view name = names + symbol.name;
    const bool kept = std::find(exported.begin(), exported.end(), name) != exported.end();
    if (is_local(symbol) || symbol.section == elf::kUndefined || kept) continue;
    symbol.info = static_cast<uint8_t>((elf::kLocal << 4) | (symbol.info & 15));
    symbol.other = 0;
  }
  const std::vector<uint32_t> new_index = reorder(&symbols, &found->info);
  std::memcpy(object->data() + found->offset, symbols.data(), found->size);
  for (SectionHeader& section : sections) {
    if (section.link != table_index) continue;
    if (section.type == elf::kRelaTable) renumber(object, section, new_index);
    if (section.type == elf::kGroup) section.info = new_index.at(section.info);
  }
  std::memcpy(object->data() + header.section_offset, sections.data(),
              sections.size() * sizeof(SectionHeader));
}

}  // namespace dovetail::exporter
