#include "export/weights_object.h"

#include "export/elf.h"

namespace dovetail::exporter {
namespace {

uint32_t add_name(std::string* table, const std::string& name) {
  const auto offset = static_cast<uint32_t>(table->size());
  table->append(name).push_back('\0');
  return offset;
}

}  // namespace

// Sections: 0 null, 1 weights, 2 .note.GNU-stack, 3 .symtab, 4 .strtab (also of section names).
WeightsObject weights_object(const ir::TargetInfo& target, const std::string& symbol, int64_t size,
                             bool no_bits) {
  std::string names(1, '\0');
  const uint32_t weights_name = add_name(&names, kWeightsSection);
  const uint32_t stack_name = add_name(&names, ".note.GNU-stack");
  const uint32_t symbols_name = add_name(&names, ".symtab");
  const uint32_t strings_name = add_name(&names, ".strtab");
  const uint32_t symbol_name = add_name(&names, symbol);

  WeightsObject object;
  const auto page = static_cast<uint64_t>(target.page_size);
  object.head.resize(no_bits ? sizeof(elf::Header) : page);
  const uint64_t weights_offset = object.head.size();
  const uint64_t tail_offset =
      weights_offset + (no_bits ? 0 : (static_cast<uint64_t>(size) + 7) / 8 * 8);
  if (!no_bits) object.tail.resize(tail_offset - weights_offset - size);
  const uint64_t padding = object.tail.size();

  elf::append(object.tail, elf::Symbol{});
  elf::append(object.tail, elf::Symbol{symbol_name, (elf::kGlobal << 4) | elf::kObject,
                                       elf::kHidden, 1, 0, static_cast<uint64_t>(size)});
  const uint64_t strings_offset = tail_offset + object.tail.size() - padding;
  for (const char c : names) object.tail.push_back(static_cast<std::byte>(c));
  while ((object.tail.size() - padding) % 8 != 0) object.tail.push_back(std::byte{0});
  const uint64_t sections_offset = tail_offset + object.tail.size() - padding;

  elf::append(object.tail, elf::SectionHeader{});
  elf::append(object.tail,
              elf::SectionHeader{weights_name, no_bits ? elf::kNoBits : elf::kProgBits, elf::kAlloc,
                                 0, weights_offset, static_cast<uint64_t>(size), 0, 0, page, 0});
  elf::append(object.tail,
              elf::SectionHeader{stack_name, elf::kProgBits, 0, 0, tail_offset, 0, 0, 0, 1, 0});
  elf::append(object.tail,
              elf::SectionHeader{symbols_name, elf::kSymbolTable, 0, 0, tail_offset,
                                 2 * sizeof(elf::Symbol), 4, 1, 8, sizeof(elf::Symbol)});
  elf::append(object.tail, elf::SectionHeader{strings_name, elf::kStringTable, 0, 0, strings_offset,
                                              names.size(), 0, 0, 1, 0});

  elf::Header header{};
  const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
  std::memcpy(header.ident, ident, sizeof(ident));
  header.type = elf::kRelocatable;
  header.machine =
      target.family == ir::Family::kX86_64 ? elf::kMachineX86_64 : elf::kMachineAArch64;
  header.version = 1;
  header.section_offset = sections_offset;
  header.header_size = sizeof(elf::Header);
  header.section_size = sizeof(elf::SectionHeader);
  header.section_count = 5;
  header.names_index = 4;
  elf::write_at(object.head, 0, header);
  return object;
}

}  // namespace dovetail::exporter
