#include "export/finish_weights.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "export/elf.h"
#include "export/weights_object.h"

namespace dovetail::exporter {
namespace {

size_t find_weights(const std::vector<std::byte>& file,
                    const std::vector<elf::SectionHeader>& sections) {
  const auto header = elf::read_at<elf::Header>(file, 0);
  const auto* names =
      reinterpret_cast<const char*>(file.data() + sections[header.names_index].offset);
  for (size_t i = 0; i < sections.size(); ++i) {
    if (std::string_view(names + sections[i].name) == kWeightsSection) return i;
  }
  throw_error(ErrorKind::kInternal, "the linked library has no section {}", kWeightsSection);
}

// Lays the sections that are not part of the image (symbols, names, comments) out anew from
// `begin`, as lld does: each at its alignment, then the section headers. Gives the place of those.
uint64_t move_behind(const std::vector<std::byte>& linked, uint64_t begin,
                     std::vector<elf::SectionHeader>* sections, std::vector<std::byte>* tail) {
  const auto pad_to = [&](uint64_t alignment) {
    while ((begin + tail->size()) % alignment != 0) tail->push_back(std::byte{0});
    return begin + tail->size();
  };
  for (elf::SectionHeader& section : *sections) {
    if (section.type == 0 || (section.flags & elf::kAlloc)) continue;
    const auto from = linked.begin() + static_cast<int64_t>(section.offset);
    section.offset = pad_to(std::max<uint64_t>(section.alignment, 1));
    tail->insert(tail->end(), from, from + static_cast<int64_t>(section.size));
  }
  const uint64_t section_offset = pad_to(8);
  for (const elf::SectionHeader& section : *sections) elf::append(*tail, section);
  return section_offset;
}

}  // namespace

FinishedFile finish_weights(std::vector<std::byte> linked) {
  auto header = elf::read_at<elf::Header>(linked, 0);
  std::vector<elf::SectionHeader> sections = elf::sections(linked);
  const size_t weights = find_weights(linked, sections);

  // The file-backed part of the image ends here; the weights follow, congruent to their address.
  uint64_t end = 0;
  uint64_t weights_program = 0;
  for (int i = 0; i < header.program_count; ++i) {
    const uint64_t at = header.program_offset + i * sizeof(elf::ProgramHeader);
    const auto program = elf::read_at<elf::ProgramHeader>(linked, at);
    if (program.type != elf::kLoad) continue;
    if (program.virtual_address == sections[weights].address) {
      weights_program = at;
    } else {
      end = std::max(end, program.offset + program.file_size);
    }
  }
  DOVETAIL_CHECK(weights_program != 0, "the weights have no segment of their own");
  auto program = elf::read_at<elf::ProgramHeader>(linked, weights_program);
  const uint64_t page = program.alignment;
  const uint64_t position = end + (program.virtual_address + page - end % page) % page;
  program.offset = position;
  program.file_size = program.memory_size;
  elf::write_at(linked, weights_program, program);

  FinishedFile file;
  sections[weights].type = elf::kProgBits;
  sections[weights].offset = position;
  header.section_offset = move_behind(linked, position + program.file_size, &sections, &file.tail);
  elf::write_at(linked, 0, header);
  file.head.assign(linked.begin(), linked.begin() + static_cast<int64_t>(end));
  file.head.resize(position);
  return file;
}

}  // namespace dovetail::exporter
