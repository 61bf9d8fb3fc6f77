# A user's session with Python's imaplib, poplib and smtplib.LMTP through the frontends of a murder. Prints "done" at the end.
import imaplib, json, poplib, smtplib, ssl, sys, time

place = json.loads(sys.argv[1])


def address(at, service):
    host, port = place["frontends"][at][service].split(":")
    return host, int(port)


def check(claim, condition, seen=None):
    if not condition:
        raise AssertionError("%s: %r" % (claim, seen))


def ok(answer):
    check("OK", answer[0] == "OK", answer)
    return answer[1]


def login(user, at):
    imap = imaplib.IMAP4(*address(at, "imap"))
    ok(imap.login(user, place["passwords"][user]))
    return imap


def message(number, body="body\r\n"):
    head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: number %d\r\nMessage-ID: <%d@example.org>\r\n" % (number, number)
    return (head + "\r\n" + body).encode()


def mailboxes_and_messages():
    imap = login("ann", 0)
    check("AUTHENTICATE is offered", "AUTH=PLAIN" in imap.capabilities, imap.capabilities)
    ok(imap.create("work"))
    ok(imap.create("work/2024"))
    ok(imap.create('"with blank"'))
    ok(imap.subscribe("work/2024"))
    check("LSUB", any(b"work/2024" in line for line in ok(imap.lsub())))
    check("LIST %", any(b'"/" work' in line for line in ok(imap.list('""', "%"))))
    for number in range(30):
        ok(imap.append("work", "(\\Flagged)" if number % 3 == 0 else None, imaplib.Time2Internaldate(1e9 + number), message(number)))
    check("EXISTS", ok(imap.select("work")) == [b"30"])
    check("SEARCH", ok(imap.search(None, "FLAGGED"))[0].split() == [b"%d" % n for n in range(1, 31, 3)])
    check("SEARCH SUBJECT", ok(imap.search(None, 'SUBJECT "number 17"')) == [b"18"])
    fetched = ok(imap.fetch("1:*", "(UID INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
    bodies = [part[1] for part in fetched if isinstance(part, tuple)]
    check("bodies", bodies == [message(number) for number in range(30)])
    partial = ok(imap.fetch("2", "(BODY.PEEK[TEXT]<1.3>)"))
    check("partial", partial[0][1] == b"ody", partial)
    ok(imap.uid("STORE", "1:10", "+FLAGS.SILENT", "(\\Deleted custom)"))
    check("keyword", len(ok(imap.search(None, "KEYWORD custom"))[0].split()) == 10)
    ok(imap.copy("11:20", "work/2024"))
    check("EXPUNGE", len(ok(imap.expunge())) == 10)
    check("STATUS", b"MESSAGES 20" in ok(imap.status("work", "(MESSAGES UIDNEXT UNSEEN)"))[0])
    check("STATUS of the copy", b"MESSAGES 10" in ok(imap.status("work/2024", "(MESSAGES)"))[0])
    ok(imap.rename("work", "job"))
    check("renamed with what is below", ok(imap.select("job/2024")) == [b"10"])
    ok(imap.close())
    ok(imap.setacl("job", "carl", "lrswi"))
    check("GETACL", b"carl" in ok(imap.getacl("job"))[0])
    ok(imap.namespace())
    check("no such mailbox", imap.select("nowhere")[0] == "NO")
    imap.logout()


def shared_between_backends():
    # carl lives on the other backend and comes through the other frontend.
    imap = login("carl", 1)
    theirs = '"Other Users/ann/job"'
    check("shared mailbox", ok(imap.select(theirs)) == [b"20"])
    ok(imap.copy("1:5", "INBOX"))
    check("copied across backends", b"MESSAGES 6" in ok(imap.status("INBOX", "(MESSAGES)"))[0], imap.status("INBOX", "(MESSAGES)"))
    ok(imap.select("INBOX"))
    check("the same octets", ok(imap.fetch("2", "(BODY.PEEK[])"))[0][1] == message(10))
    ok(imap.copy("2", theirs))
    check("and back", b"MESSAGES 21" in ok(imap.status(theirs, "(MESSAGES)"))[0])
    check("not allowed", imap.delete(theirs)[0] == "NO")
    imap.logout()


def secured():
    context = ssl.create_default_context(cafile=place["authority"])
    imap = imaplib.IMAP4("localhost", address(0, "imap")[1])
    ok(imap.starttls(context))
    ok(imap.authenticate("PLAIN", lambda _: ("\0ann\0" + place["passwords"]["ann"]).encode()))
    big = message(99, ("x" * 70 + "\r\n") * 30000)
    ok(imap.append("INBOX", None, None, big))
    count = ok(imap.select("INBOX"))[0].decode()
    check("two megabytes over TLS", ok(imap.fetch(count, "(BODY.PEEK[])"))[0][1] == big)
    imap.logout()
    imap = imaplib.IMAP4_SSL("localhost", address(1, "imaps")[1], ssl_context=context)
    ok(imap.login("dora", place["passwords"]["dora"]))
    ok(imap.select("INBOX", readonly=True))
    imap.logout()


def send(lmtp, recipients, text):
    refused = lmtp.sendmail("a@example.org", recipients, text)
    # smtplib reads one reply behind the message, LMTP has one for each recipient that was not refused before.
    for _ in range(len(recipients) - len(refused) - 1):
        reply = lmtp.getreply()
        check("delivered", reply[0] == 250, reply)
    return refused


def delivery():
    lmtp = smtplib.LMTP(*address(0, "lmtp"))
    lmtp.ehlo()
    lmtp.login(place["admin"], place["passwords"][place["admin"]])
    text = "Subject: from lmtp\r\n\r\n.dot\r\nend\r\n"
    refused = send(lmtp, ["ann", "bob", "carl", "dora"], text)
    check("nobody refused", refused == {}, refused)
    refused = send(lmtp, ["bob", "nobody", "dora"], text)
    check("only nobody refused", list(refused) == ["nobody"] and refused["nobody"][0] == 550, refused)
    lmtp.quit()
    for user, expected in (("ann", 1), ("bob", 2), ("carl", 1), ("dora", 2)):
        imap = login(user, 1)
        imap.select("INBOX", readonly=True)
        found = ok(imap.search(None, 'SUBJECT "from lmtp"'))[0].split()
        check("delivered to %s" % user, len(found) == expected, found)
        body = ok(imap.fetch(found[0].decode(), "(BODY.PEEK[TEXT])"))[0][1]
        check("undotted", body == b".dot\r\nend\r\n", body)
        imap.logout()


def post_office():
    before = login("bob", 0)
    count = int(ok(before.select("INBOX", readonly=True))[0])
    before.logout()
    context = ssl.create_default_context(cafile=place["authority"])
    pop = poplib.POP3("localhost", address(1, "pop3")[1])
    pop.stls(context)
    pop.user("bob")
    pop.pass_(place["passwords"]["bob"])
    check("STAT", pop.stat()[0] == count)
    check("UIDL", len(set(pop.uidl()[1])) == count)
    check("RETR", b"Subject: from lmtp" in pop.retr(count)[1])
    check("TOP", len(pop.top(count, 1)[1]) < len(pop.retr(count)[1]))
    pop.dele(count)
    pop.quit()
    after = login("bob", 0)
    check("deleted over POP3", int(ok(after.select("INBOX"))[0]) == count - 1)
    after.logout()


def idle_news():
    # imaplib of Python 3.11 has no IDLE: NOOP shows what came.
    watcher = login("ann", 0)
    count = int(ok(watcher.select("INBOX"))[0])
    other = login("ann", 1)
    ok(other.append("INBOX", None, None, message(1)))
    other.logout()
    until = time.time() + 10
    while int(watcher.untagged_responses.get("EXISTS", [b"0"])[-1]) != count + 1:
        check("news within 10 s", time.time() < until)
        ok(watcher.noop())
    watcher.logout()


for part in (mailboxes_and_messages, shared_between_backends, secured, delivery, post_office, idle_news):
    part()
    print(part.__name__)
print("done")
