import type { MailLanguage } from '../texts.ts'

const IF_NOT_YOU =
  '본인이 한 일이라면 아무것도 하지 않으셔도 됩니다. 본인이 아니라면 다른 사람이 비밀번호를 알고 있을 수 있습니다.'

export default {
  linkHint: '버튼이 열리지 않으면 아래 주소를 열어 주세요.',
  footer: ({ appName, url }) => `${appName} · ${url}`,
  origin: ({ time, device, ipAddress }) => [
    `시각: ${time}`,
    ...(device ? [`기기: ${device}`] : []),
    ...(ipAddress ? [`IP 주소: ${ipAddress}`] : []),
  ],
  mails: {
    'verify-email': ({ appName, origin, waits, url }) => ({
      subject: `[${appName}] 이메일 주소를 확인해 주세요`,
      paragraphs: waits
        ? [
            `이 주소로 ${appName} 가입 신청이 있었습니다.`,
            origin,
            '본인이 신청했다면 이메일 주소를 확인해 주세요. 그러면 계정이 만들어집니다. 본인이 아니라면 그대로 두시면 됩니다. 계정은 만들어지지 않습니다. 다른 사람이 시작한 가입은 절대 확인하지 말아 주세요. 그 사람이 정한 비밀번호가 계정에 쓰입니다.',
          ]
        : [
            `이 주소가 ${appName} 계정에 등록되었습니다.`,
            origin,
            `본인이 등록했다면 이메일 주소를 확인해 주세요. 본인이 아니라면 확인하지 말아 주세요. 다른 사람이 그 계정의 비밀번호를 알고 있습니다. 계정을 가져오려면 ${url}/forgot-password 에서 새 비밀번호를 설정해 주세요. 그러면 다른 사람은 모두 로그아웃됩니다.`,
          ],
      action: '이메일 주소 확인',
      after: ['링크는 24시간 동안 한 번만 사용할 수 있습니다.'],
    }),
    'already-registered': ({ appName, origin }) => ({
      subject: `[${appName}] 이미 가입된 이메일 주소입니다`,
      paragraphs: [
        `${appName}의 다른 계정에 이 주소를 사용하려는 시도가 있었습니다. 이 주소에는 이미 계정이 있으며, 바뀐 것은 없습니다.`,
        origin,
      ],
      action: '새 비밀번호 설정',
      after: [
        '본인이 시도했고 비밀번호를 잊으셨다면 새 비밀번호를 설정해 주세요. 그렇지 않다면 아무것도 하지 않으셔도 됩니다.',
      ],
    }),
    'reset-password': ({ appName, origin }) => ({
      subject: `[${appName}] 새 비밀번호를 설정해 주세요`,
      paragraphs: [`${appName} 계정의 비밀번호 재설정 요청이 있었습니다.`, origin],
      action: '새 비밀번호 설정',
      after: [
        '링크는 30분 동안 한 번만 사용할 수 있습니다. 요청하신 적이 없다면 이 메일을 무시해 주세요. 비밀번호는 바뀌지 않습니다.',
      ],
    }),
    invitation: ({ appName }) => ({
      subject: `[${appName}] 초대장이 도착했습니다`,
      paragraphs: [`${appName} 관리자가 계정을 만들었습니다. 비밀번호를 정하면 로그인할 수 있습니다.`],
      action: '초대 수락',
      after: ['링크는 7일 동안 한 번만 사용할 수 있습니다.'],
    }),
    'confirm-new-email': ({ appName, origin }) => ({
      subject: `[${appName}] 새 이메일 주소를 확인해 주세요`,
      paragraphs: [
        `${appName} 계정에서 이 주소를 사용하겠다는 요청이 있었습니다.`,
        origin,
        '본인이 요청했다면 본인의 주소가 맞는지 확인해 주세요. 본인이 아니라면 그대로 두시면 됩니다. 아무것도 바뀌지 않습니다. 다른 사람이 시작한 변경은 절대 확인하지 말아 주세요. 그 계정의 비밀번호는 그 사람이 알고 있습니다.',
      ],
      action: '이 주소 사용',
      after: ['링크는 1시간 동안 한 번만 사용할 수 있습니다.'],
    }),
    'email-change-requested': ({ appName, newEmail, origin }) => ({
      subject: `[${appName}] 이메일 주소 변경 요청이 있었습니다`,
      paragraphs: [
        `로그인된 기기에서 ${appName} 계정의 이메일 주소를 ${newEmail}(으)로 바꾸겠다는 요청이 있었습니다.`,
        origin,
        '본인이 요청했다면 아무것도 하지 않으셔도 됩니다. 본인이 아니라면 지금 주소를 유지해 주세요. 모든 기기에서 로그아웃되고 지금 비밀번호는 더 이상 쓸 수 없으므로, 새 비밀번호를 설정하게 됩니다.',
      ],
      action: '지금 주소 유지',
      after: ['링크는 7일 동안 사용할 수 있으며, 주소가 바뀐 뒤에도 유효합니다.'],
    }),
    'email-changed': ({ appName, newEmail, origin }) => ({
      subject: `[${appName}] 이메일 주소가 변경되었습니다`,
      paragraphs: [
        `${appName} 계정의 이메일 주소가 ${newEmail}(으)로 변경되었습니다.`,
        origin,
        '본인이 변경했다면 아무것도 하지 않으셔도 됩니다. 본인이 아니라면 이 주소로 되돌려 주세요. 모든 기기에서 로그아웃되고 지금 비밀번호는 더 이상 쓸 수 없으므로, 새 비밀번호를 설정하게 됩니다.',
      ],
      action: '이 주소로 되돌리기',
      after: ['링크는 7일 동안 사용할 수 있습니다.'],
    }),
    'email-replaced': ({ appName, newEmail, time }) => ({
      subject: `[${appName}] 관리자가 이메일 주소를 변경했습니다`,
      paragraphs: [
        `${appName} 관리자가 ${time}에 계정의 이메일 주소를 ${newEmail}(으)로 변경했습니다. 이 주소로는 더 이상 메일이 오지 않습니다.`,
        '잘못된 조치라고 생각하시면 관리자에게 문의해 주세요.',
      ],
    }),
    'password-changed': ({ appName, origin }) => ({
      subject: `[${appName}] 비밀번호가 변경되었습니다`,
      paragraphs: [
        `${appName} 계정에 새 비밀번호가 설정되었고, 다른 기기에서는 로그아웃되었습니다.`,
        origin,
        IF_NOT_YOU,
      ],
      action: '새 비밀번호 설정',
    }),
    'new-device': ({ appName, origin }) => ({
      subject: `[${appName}] 새 기기에서 로그인했습니다`,
      paragraphs: [`처음 보는 기기에서 ${appName} 계정에 로그인했습니다.`, origin, IF_NOT_YOU],
      action: '새 비밀번호 설정',
    }),
    'reuse-detected': ({ appName, origin }) => ({
      subject: `[${appName}] 기기 하나를 로그아웃했습니다`,
      paragraphs: [
        `${appName} 계정의 로그인 정보가 두 번 사용되었습니다. 로그인 정보가 복사되었을 때 생기는 일이므로, 안전을 위해 그 기기에서 로그아웃했습니다.`,
        origin,
        '그 기기에서 다시 로그인해 주세요. 모르는 기기라면 새 비밀번호를 설정해 주세요.',
      ],
      action: '새 비밀번호 설정',
    }),
    'account-disabled': ({ appName, time }) => ({
      subject: `[${appName}] 계정이 정지되었습니다`,
      paragraphs: [
        `${appName} 관리자가 ${time}에 계정을 정지했습니다. 모든 기기에서 로그아웃되었습니다.`,
        '잘못된 조치라고 생각하시면 관리자에게 문의해 주세요.',
      ],
    }),
    'account-deleted': ({ appName, time }) => ({
      subject: `[${appName}] 계정이 삭제되었습니다`,
      paragraphs: [
        `${appName} 계정과 계정에 딸린 모든 데이터가 ${time}에 삭제되었습니다.`,
        '이 주소로 보내는 마지막 메일입니다. 그동안 이용해 주셔서 감사합니다.',
      ],
    }),
  },
} satisfies MailLanguage
