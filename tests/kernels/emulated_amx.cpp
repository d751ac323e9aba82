#include "emulated_amx.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__)
#include <csignal>

#include <ucontext.h>
#include <unistd.h>

#include "kernels/dispatch.h"
#include "kernels/kernel_sets.h"

namespace spikelens {
namespace {

bool supports(const char* kernel) {
    const auto names = kernels::supported_kernels();
    return std::ranges::find(names, kernel) != names.end();
}

constexpr int kTiles = 8, kRows = 16, kRowBytes = 64;

/// What a thread's AMX registers hold.
struct Tiles {
    bool configured = false;
    uint16_t row_bytes[kTiles] = {};
    uint8_t rows[kTiles] = {};
    uint8_t data[kTiles][kRows][kRowBytes] = {};
};
thread_local Tiles tiles;

[[noreturn]] void refuse(const char* why) {
    [[maybe_unused]] ssize_t written = write(STDERR_FILENO, "AMX: ", 5);
    written = write(STDERR_FILENO, why, std::strlen(why));
    written = write(STDERR_FILENO, "\n", 1);
    _exit(70);
}
void require(bool holds, const char* otherwise) {
    if (!holds) refuse(otherwise);
}

/// A VEX instruction as the manual writes it: prefix, opcode, its registers, and where its memory operand lies.
struct Instruction {
    unsigned prefix, opcode, reg, rm, vvvv;
    bool memory;
    int64_t address = 0, stride = 0;
    int length;
};

int64_t general_register(const ucontext_t& context, unsigned number) {
    constexpr int kOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return context.uc_mcontext.gregs[kOrder[number]];
}

Instruction decode(const ucontext_t& context) {
    const auto* at = reinterpret_cast<const uint8_t*>(context.uc_mcontext.gregs[REG_RIP]);
    require(at[0] == 0xC4 && (at[1] & 0x1F) == 2 && (at[2] & 0x84) == 0, "an illegal instruction that is not AMX");
    const unsigned high_index = (~at[1] >> 6 & 1) << 3, high_base = (~at[1] >> 5 & 1) << 3;
    Instruction found{at[2] & 3U, at[3], at[4] >> 3 & 7U, at[4] & 7U, ~at[2] >> 3 & 15U, at[4] >> 6 != 3, 0, 0, 5};
    if (!found.memory) return found;
    const unsigned mode = at[4] >> 6;
    bool has_base = true;
    unsigned base = found.rm;
    if (found.rm == 4) {
        const uint8_t sib = at[found.length++];
        const unsigned index = (sib >> 3 & 7U) | high_index;
        if (index != 4) found.stride = general_register(context, index) << (sib >> 6);
        base = sib & 7U;
        has_base = base != 5 || mode != 0;
    }
    const bool relative = mode == 0 && found.rm == 5;  // to the next instruction
    int32_t displacement = 0;
    if (mode == 1) {
        displacement = static_cast<int8_t>(at[found.length++]);
    } else if (mode == 2 || !has_base || relative) {
        std::memcpy(&displacement, at + found.length, 4);
        found.length += 4;
    }
    found.address = displacement;
    if (relative)
        found.address += reinterpret_cast<int64_t>(at) + found.length;
    else if (has_base)
        found.address += general_register(context, base | high_base);
    return found;
}

void load_configuration(const uint8_t* from) {
    require(from[0] == 1, "palette 1 is the one there is");
    require(std::all_of(from + 2, from + 16, [](uint8_t byte) { return byte == 0; }), "a reserved byte is set");
    tiles = {};
    tiles.configured = true;
    for (int tile = 0; tile < 16; ++tile) {
        uint16_t row_bytes = 0;
        std::memcpy(&row_bytes, from + 16 + 2 * tile, 2);
        const uint8_t rows = from[48 + tile];
        require(row_bytes <= kRowBytes && rows <= kRows && (row_bytes == 0) == (rows == 0),
                "a register of an impossible size");
        require(tile < kTiles || rows == 0, "more than eight registers");
        if (tile >= kTiles) continue;
        tiles.row_bytes[tile] = row_bytes;
        tiles.rows[tile] = rows;
    }
}

void load_tile(const Instruction& instruction) {
    const unsigned tile = instruction.reg;
    std::memset(tiles.data[tile], 0, sizeof tiles.data[tile]);
    for (int row = 0; row < tiles.rows[tile]; ++row)
        std::memcpy(tiles.data[tile][row],
                    reinterpret_cast<const void*>(instruction.address + row * instruction.stride),
                    tiles.row_bytes[tile]);
}

void store_tile(const Instruction& instruction) {
    const unsigned tile = instruction.reg;
    for (int row = 0; row < tiles.rows[tile]; ++row)
        std::memcpy(reinterpret_cast<void*>(instruction.address + row * instruction.stride), tiles.data[tile][row],
                    tiles.row_bytes[tile]);
}

/// TDPBUSD: unsigned bytes of `a` times signed bytes of `b`.
void multiply(unsigned to, unsigned a, unsigned b) {
    require(to != a && to != b && a != b, "a product of registers that are not three");
    require(tiles.rows[to] == tiles.rows[a] && tiles.row_bytes[to] == tiles.row_bytes[b] &&
                tiles.row_bytes[a] == 4 * tiles.rows[b] && tiles.row_bytes[to] % 4 == 0,
            "a product of registers whose sizes do not match");
    for (int row = 0; row < tiles.rows[to]; ++row)
        for (int column = 0; column < tiles.row_bytes[to] / 4; ++column) {
            uint32_t sum = 0;
            std::memcpy(&sum, &tiles.data[to][row][4 * column], 4);
            for (int k = 0; k < tiles.row_bytes[a]; ++k)
                sum += static_cast<uint32_t>(tiles.data[a][row][k] *
                                             static_cast<int8_t>(tiles.data[b][k / 4][4 * column + k % 4]));
            std::memcpy(&tiles.data[to][row][4 * column], &sum, 4);
        }
}

void execute(const Instruction& instruction) {
    enum Prefix : unsigned { none = 0, x66 = 1, xF3 = 2, xF2 = 3 };
    const unsigned prefix = instruction.prefix, opcode = instruction.opcode;
    if (opcode == 0x49 && prefix == none) {  // LDTILECFG, TILERELEASE
        if (instruction.memory)
            load_configuration(reinterpret_cast<const uint8_t*>(instruction.address));
        else
            tiles = {};
        return;
    }
    require(tiles.configured, "a register is used before the configuration");
    if (opcode == 0x4B && instruction.memory && (prefix == xF2 || prefix == x66))
        load_tile(instruction);
    else if (opcode == 0x4B && instruction.memory && prefix == xF3)
        store_tile(instruction);
    else if (opcode == 0x5E && !instruction.memory && prefix == x66)
        multiply(instruction.reg, instruction.rm, instruction.vvvv);
    else
        refuse("an instruction that the emulation does not know");
}

void on_illegal_instruction(int, siginfo_t*, void* context) {
    auto& machine = *static_cast<ucontext_t*>(context);
    const Instruction instruction = decode(machine);
    execute(instruction);
    machine.uc_mcontext.gregs[REG_RIP] += instruction.length;
}

struct sigaction before;

}  // namespace

bool can_emulate_amx() { return supports("avx512"); }

EmulatedAmx::EmulatedAmx() {
    if (supports("amx")) return;
    struct sigaction action = {};
    action.sa_sigaction = on_illegal_instruction;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &action, &before);
}

EmulatedAmx::~EmulatedAmx() {
    if (!supports("amx")) sigaction(SIGILL, &before, nullptr);
}

}  // namespace spikelens
#else
namespace spikelens {

bool can_emulate_amx() { return false; }
EmulatedAmx::EmulatedAmx() = default;
EmulatedAmx::~EmulatedAmx() = default;

}  // namespace spikelens
#endif

namespace spikelens {

std::vector<const kernels::KernelSet*> sets_to_test() {
    std::vector<const kernels::KernelSet*> sets;
    for (const std::string& kernel : kernels::supported_kernels()) sets.push_back(&kernels::choose_kernels(kernel));
#if defined(__x86_64__)
    if (can_emulate_amx() && sets.back() != &kernels::amx_kernels) sets.push_back(&kernels::amx_kernels);
#endif
    return sets;
}

}  // namespace spikelens
