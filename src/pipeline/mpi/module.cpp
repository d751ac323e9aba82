#include <algorithm>
#include <array>

#include <mpi.h>

#include "spikelens/core/version.h"

#include "pipeline/mpi_module.h"

namespace {

constexpr int kTag = 1, kTagOfBytes = 2;
constexpr int kLongest = 2048;  ///< bytes of a message: MPI keeps so many without the receiver

std::array<char, kLongest> sent;
MPI_Request sending = MPI_REQUEST_NULL, passing = MPI_REQUEST_NULL;

const char* start(int* number, int* count) {
    int level = 0;
    if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS) return "MPI did not start";
    if (level < MPI_THREAD_SERIALIZED) return "this MPI serves one thread alone";
    MPI_Comm_rank(MPI_COMM_WORLD, number);
    MPI_Comm_size(MPI_COMM_WORLD, count);
    return nullptr;
}

bool send(const char* bytes, int size) {
    int through = 0;
    MPI_Test(&sending, &through, MPI_STATUS_IGNORE);
    if (!through) return false;
    size = std::min(size, kLongest);
    std::copy_n(bytes, size, sent.begin());
    MPI_Isend(sent.data(), size, MPI_CHAR, 0, kTag, MPI_COMM_WORLD, &sending);
    return true;
}

bool receive(char* bytes, int capacity, int* size, int* sender) {
    int arrived = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &arrived, &status);
    if (!arrived) return false;
    *sender = status.MPI_SOURCE;
    std::array<char, kLongest> message{};
    MPI_Recv(message.data(), kLongest, MPI_CHAR, *sender, kTag, MPI_COMM_WORLD, &status);
    MPI_Get_count(&status, MPI_CHAR, size);
    *size = std::min(*size, capacity);
    std::copy_n(message.begin(), *size, bytes);
    return true;
}

void begin_receive(void* bytes, int size, int sender) {
    MPI_Irecv(bytes, size, MPI_BYTE, sender, kTagOfBytes, MPI_COMM_WORLD, &passing);
}

void begin_send(const void* bytes, int size, int receiver) {
    MPI_Isend(bytes, size, MPI_BYTE, receiver, kTagOfBytes, MPI_COMM_WORLD, &passing);
}

void begin_share(void* bytes, int size, int sender) {
    MPI_Ibcast(bytes, size, MPI_BYTE, sender, MPI_COMM_WORLD, &passing);
}

bool through() {
    int done = 0;
    MPI_Test(&passing, &done, MPI_STATUS_IGNORE);
    return done != 0;
}

void finish() {
    MPI_Wait(&sending, MPI_STATUS_IGNORE);
    MPI_Finalize();
}

void abort_job(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

}  // namespace

const SpikelensMpi spikelens_mpi = {spikelens::version.data(),
                                    start,
                                    send,
                                    receive,
                                    begin_receive,
                                    begin_send,
                                    begin_share,
                                    through,
                                    finish,
                                    abort_job};
