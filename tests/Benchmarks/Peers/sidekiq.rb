# The lesson's way, as a peer: a Sidekiq worker that mails by the mail gem. MAIL_NODELAY=1 turns Nagle's algorithm off, which
# Ruby's Net::SMTP leaves on.
require "sidekiq"
require "mail"
require "net/smtp"
require "socket"

if ENV["MAIL_NODELAY"] == "1"
  class Net::SMTP
    def tcp_socket(address, port)
      TCPSocket.open(address, port).tap { |socket| socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1) }
    end
  end
end

redis = { url: "redis://127.0.0.1:#{ENV.fetch("REDIS_PORT")}/0" }
Sidekiq.configure_server { |config| config.redis = redis }
Sidekiq.configure_client { |config| config.redis = redis }

Mail.defaults do
  delivery_method :smtp, address: "127.0.0.1", port: ENV.fetch("MAIL_PORT").to_i, enable_starttls_auto: false
end

class SendGifEmail
  include Sidekiq::Worker

  FILLER = "x" * 70 + "\n"

  def perform(email_address, thought)
    html = "<p>#{thought}</p>\n" + FILLER * (ENV.fetch("MAIL_SIZE").to_i / 71)
    Mail.deliver do
      from "WorkinIt <gifs@workinit.example>"
      to email_address
      subject "A GIF for your thought: #{thought}"
      text_part { body thought }
      html_part do
        content_type "text/html; charset=UTF-8"
        body html
      end
    end
  end
end

# ruby sidekiq.rb push COUNT
if ARGV[0] == "push"
  Sidekiq::Client.push_bulk(
    "class" => SendGifEmail,
    "args" => Array.new(ARGV[1].to_i) { |number| ["somebody#{number}@example.com", "how many of these in a second?"] }
  )
end
