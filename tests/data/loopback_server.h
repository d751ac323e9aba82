#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace spikelens::testing_data {

/// A small HTTP server on 127.0.0.1 that answers one request a connection, well or badly as the test wants.
class LoopbackServer {
  public:
    struct Request {
        std::string path;                   ///< "/train-images"
        std::optional<size_t> range_start;  ///< of "Range: bytes=START-"
    };
    struct Reply {
        int status = 200;
        std::string body;
        std::string header;          ///< one more header line, "Location: …", without its end
        std::optional<size_t> sent;  ///< bytes of the body sent before the connection is cut or stalls; all when absent
        bool stalls = false;         ///< keeps the connection open instead of cutting it
    };
    using Handler = std::function<Reply(const Request&)>;

    explicit LoopbackServer(Handler handler)
        : handler_(std::move(handler)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* raw = reinterpret_cast<sockaddr*>(&address);
        if (socket_ < 0 || ::bind(socket_, raw, length) != 0 || ::listen(socket_, 16) != 0 ||
            ::getsockname(socket_, raw, &length) != 0)
            throw std::runtime_error("the loopback server cannot listen");
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~LoopbackServer() {
        stopping_ = true;
        thread_.join();
        ::close(socket_);
    }
    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    std::string address() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

    std::vector<Request> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

    /// The whole body, or its rest with 206 when the request asks for it.
    static Reply with_ranges(const Request& request, const std::string& body) {
        if (!request.range_start) return {.status = 200, .body = body, .header = {}, .sent = {}};
        if (*request.range_start >= body.size()) return {.status = 416, .body = {}, .header = {}, .sent = {}};
        return {.status = 206, .body = body.substr(*request.range_start), .header = {}, .sent = {}};
    }

  private:
    static bool is_ready(int descriptor, int milliseconds) {
        pollfd ready{descriptor, POLLIN, 0};
        return ::poll(&ready, 1, milliseconds) > 0;
    }

    void serve() {
        while (!stopping_) {
            if (!is_ready(socket_, 10)) continue;
            const int connection = ::accept(socket_, nullptr, nullptr);
            if (connection < 0) continue;
            answer(connection);
            ::close(connection);
        }
    }

    void answer(int connection) {
        const std::optional<Request> request = receive(connection);
        if (!request) return;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(*request);
        }
        const Reply reply = handler_(*request);
        std::string bytes = "HTTP/1.1 " + std::to_string(reply.status) +
                            " Status\r\nConnection: close\r\nContent-Length: " + std::to_string(reply.body.size()) +
                            "\r\n" + (reply.header.empty() ? "" : reply.header + "\r\n") + "\r\n";
        bytes += reply.body.substr(0, reply.sent.value_or(reply.body.size()));
        send_all(connection, bytes);
        // A client that has gone away makes the connection readable.
        while (reply.stalls && !stopping_ && !is_ready(connection, 10)) {
        }
    }

    std::optional<Request> receive(int connection) const {
        std::string text;
        while (text.find("\r\n\r\n") == std::string::npos) {
            char buffer[1024];
            if (stopping_ || !is_ready(connection, 2000)) return std::nullopt;
            const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
            if (got <= 0) return std::nullopt;
            text.append(buffer, static_cast<size_t>(got));
        }
        Request request;
        const size_t start = text.find(' ') + 1;
        request.path = text.substr(start, text.find(' ', start) - start);
        const std::string range = "Range: bytes=";
        if (const size_t at = text.find(range); at != std::string::npos)
            request.range_start = std::stoul(text.substr(at + range.size()));
        return request;
    }

    static void send_all(int connection, const std::string& bytes) {
        for (size_t sent = 0; sent < bytes.size();) {
            const ssize_t count = ::send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (count <= 0) return;
            sent += static_cast<size_t>(count);
        }
    }

    Handler handler_;
    int socket_;
    int port_ = 0;
    std::atomic<bool> stopping_ = false;
    mutable std::mutex mutex_;
    std::vector<Request> requests_;
    std::thread thread_;
};

}  // namespace spikelens::testing_data
